using System.Collections.Immutable;
using Cni;
using EgressRouter.Config;

namespace EgressRouter.Tools;

/// <summary>One valid configuration out of a file: what an operator wants a router to be.</summary>
/// <param name="Plugin">Where it stands.</param>
/// <param name="Config">What it says.</param>
internal sealed record RouterDefinition(PluginConfig Plugin, RouterConfig Config)
{
    /// <summary>Reads all valid configurations of a file.</summary>
    /// <param name="file">Its path, or <c>-</c> for the standard input.</param>
    /// <param name="args">What would come in CNI_ARGS: <c>K8S_POD_NAME=web-0;IP=192.168.12.99</c>; null for no pod in particular.</param>
    /// <param name="network">The name of the one that is meant; null for all.</param>
    /// <exception cref="UsageException">There is none, or one is faulty: all its faults.</exception>
    public static ImmutableArray<RouterDefinition> ReadAll(string file, Stream stdin, string? args, string? network) =>
        [.. Find(file, stdin, network).Select(plugin => new RouterDefinition(plugin, Parse(plugin, args)))];

    /// <summary>Reads the one configuration that is meant.</summary>
    /// <param name="file">Its path, or <c>-</c> for the standard input.</param>
    /// <param name="args">As for <see cref="ReadAll"/>.</param>
    /// <param name="network">The network's name, where there are several; null where there is one.</param>
    /// <exception cref="UsageException">There is none, there are several, or it is faulty.</exception>
    public static RouterDefinition Read(string file, Stream stdin, string? args, string? network)
    {
        PluginConfig[] found = Find(file, stdin, network);
        return found is [PluginConfig one]
            ? new RouterDefinition(one, Parse(one, args))
            : throw new UsageException(
                $"{file}: it has {found.Length} networks, choose one with --network: {string.Join(", ", found.Select(plugin => SafeText.Short(plugin.Network)))}");
    }

    private static PluginConfig[] Find(string file, Stream stdin, string? network)
    {
        PluginConfig[] all = [.. Validation.Ours(ConfigSource.ReadAll(file, stdin)).SelectMany(source => Validation.Plugins(source))];
        PluginConfig[] found = network is null ? all : [.. all.Where(plugin => plugin.Network == network)];
        return found.Length > 0 ? found
            : throw new UsageException(
                $"{file}: it has no network {network}, but {string.Join(", ", all.Select(plugin => SafeText.Short(plugin.Network)))}");
    }

    private static RouterConfig Parse(PluginConfig plugin, string? args)
    {
        ConfigResult result = RouterConfig.Parse(plugin.Json, ParseArgs(args), forAnyPod: args is null);
        if (result.Config is RouterConfig config)
        {
            return config;
        }

        Finding[] faults = [.. Validation.Inspect(plugin.Source).Where(finding => !finding.IsWarning)];
        // Faults that only the pod's name or wishes bring about have no place in the file.
        throw new UsageException(
            string.Join(
                '\n',
                faults.Length > 0 ? faults.Select(fault => fault.ToString())
                    : result.Faults.Select(fault => $"{plugin.Source.File}: {fault}")));
    }

    private static ImmutableArray<KeyValuePair<string, string>> ParseArgs(string? args) =>
    [
        .. (args ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries).Select(
            pair => pair.IndexOf('=', StringComparison.Ordinal) is int at and > 0
            ? KeyValuePair.Create(pair[..at], pair[(at + 1)..])
            : throw new UsageException($"--args \"{pair}\": it is not KEY=VALUE")),
    ];
}
