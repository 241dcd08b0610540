using System.Collections.Immutable;

namespace Cni;

/// <summary>What a runtime tells in the environment (CNI specification, "Parameters"), checked.</summary>
internal sealed record CniEnvironment(
    string ContainerId,
    string NetNs,
    string IfName,
    ImmutableArray<string> PluginPath,
    ImmutableArray<KeyValuePair<string, string>> Args)
{
    /// <summary>
    /// Reads the variables that a command needs, and those it may have: the table of the reference library's skeleton.
    /// </summary>
    /// <exception cref="CniException">Code 4: something is missing, or is not what it should be; all of it is named.</exception>
    public static CniEnvironment Read(CniCommand command, Func<string, string?> variable)
    {
        // Empty counts as missing, as for the reference library.
        string containerId = variable("CNI_CONTAINERID") ?? "";
        string netNs = variable("CNI_NETNS") ?? "";
        string ifName = variable("CNI_IFNAME") ?? "";

        string path = variable("CNI_PATH") ?? "";
        bool isDelete = command == CniCommand.Delete;
        if (isDelete || command is CniCommand.Add or CniCommand.Check)
        {
            RequireAll(
                ("CNI_CONTAINERID", containerId),

                // The namespace may be gone when a container is torn down. What is in it is removed without other plugins.
                ("CNI_NETNS", isDelete ? "not required" : netNs),
                ("CNI_IFNAME", ifName),
                ("CNI_PATH", isDelete ? "not required" : path));
            CheckNames(containerId, ifName);
        }
        else
        {
            // STATUS and GC are about the network, not about a container.
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
    /// <c>KEY=VALUE;KEY=VALUE</c>. The value ends at the semicolon and may hold further equals signs. A pair is named by its
    /// number only, since it may be all value, and values can be secret.
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

            // Lenient, for DEL: what is removed does not depend on CNI_ARGS. ADD has refused the same text, and the runtime
            // calls DEL after that; refusing this too would keep the pod from ever going away.
        }

        return args.ToImmutable();
    }
}
