using System.Collections.Immutable;

namespace Cni;

/// <summary>The validated parameters in the environment (CNI specification, "Parameters").</summary>
internal sealed record CniEnvironment(
    string ContainerId,
    string NetNs,
    string IfName,
    ImmutableArray<string> PluginPath,
    ImmutableArray<KeyValuePair<string, string>> Args)
{
    /// <summary>Reads the required and optional variables of a command, as in the reference library's skeleton.</summary>
    /// <exception cref="CniException">Code 4: variables are missing or invalid; the message names all of them.</exception>
    public static CniEnvironment Read(CniCommand command, Func<string, string?> variable)
    {
        // As in the reference library, an empty variable is a missing one.
        string containerId = variable("CNI_CONTAINERID") ?? "";
        string netNs = variable("CNI_NETNS") ?? "";
        string ifName = variable("CNI_IFNAME") ?? "";

        string path = variable("CNI_PATH") ?? "";
        bool isDelete = command == CniCommand.Delete;
        if (isDelete || command is CniCommand.Add or CniCommand.Check)
        {
            RequireAll(
                ("CNI_CONTAINERID", containerId),

                // DEL must work without a namespace, and without other plugins.
                ("CNI_NETNS", isDelete ? "not required" : netNs),
                ("CNI_IFNAME", ifName),
                ("CNI_PATH", isDelete ? "not required" : path));
            CheckNames(containerId, ifName);
        }
        else
        {
            // STATUS and GC apply to the network, not to a container.
            (containerId, netNs, ifName) = ("", "", "");
            RequireAll(("CNI_PATH", path));
        }

        return new CniEnvironment(
            containerId,
            netNs,
            ifName,
            [.. path.Split(':', StringSplitOptions.RemoveEmptyEntries)],
            ParseArgs(variable("CNI_ARGS") ?? "", lenient: isDelete));
    }

    private static void RequireAll(params ReadOnlySpan<(string Name, string Value)> variables)
    {
        var missing = new List<string>();
        foreach ((string name, string value) in variables)
        {
            if (value.Length == 0)
            {
                missing.Add(name);
            }
        }

        if (missing.Count > 0)
        {
            throw new CniException(CniErrorCode.InvalidEnvironment, $"required env variables [{string.Join(',', missing)}] missing");
        }
    }

    private static void CheckNames(string containerId, string ifName)
    {
        var faults = new List<string>();
        if (!Identifiers.IsValid(containerId))
        {
            faults.Add($"invalid CNI_CONTAINERID \"{SafeText.Short(containerId)}\": "
                + "only letters, digits, '_', '.' and '-' are allowed, the first a letter or digit");
        }

        if (LinkName.WhyNot(ifName) is string fault)
        {
            faults.Add($"invalid CNI_IFNAME \"{SafeText.Short(ifName)}\": {fault}");
        }

        if (faults.Count > 0)
        {
            throw new CniException(CniErrorCode.InvalidEnvironment, string.Join("; ", faults));
        }
    }

    /// <summary>
    /// Parses <c>KEY=VALUE;KEY=VALUE</c>; a value may contain equals signs. An error contains only the number of the pair,
    /// because values can be secret.
    /// </summary>
    private static ImmutableArray<KeyValuePair<string, string>> ParseArgs(string text, bool lenient)
    {
        if (text.Length == 0)
        {
            return [];
        }

        string[] pairs = text.Split(';');
        ImmutableArray<KeyValuePair<string, string>>.Builder args =
            ImmutableArray.CreateBuilder<KeyValuePair<string, string>>(pairs.Length);
        for (int i = 0; i < pairs.Length; i++)
        {
            int equals = pairs[i].IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                args.Add(new(pairs[i][..equals], pairs[i][(equals + 1)..]));
            }
            else if (!lenient)
            {
                throw new CniException(
                    CniErrorCode.InvalidEnvironment, $"invalid CNI_ARGS: pair {i + 1} of {pairs.Length} is not KEY=VALUE");
            }

            // DEL ignores malformed pairs, because it does not depend on CNI_ARGS. After ADD has rejected them, the runtime calls
            // DEL; if that failed too, the pod could never be removed.
        }

        return args.ToImmutable();
    }
}
