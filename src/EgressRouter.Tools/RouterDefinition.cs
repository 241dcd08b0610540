using System.Collections.Immutable;
using Cni;
using EgressRouter.Config;

namespace EgressRouter.Tools;

/// <summary>One valid configuration of a file: a router as the operator wants it.</summary>
/// <param name="Plugin">The source of the configuration.</param>
/// <param name="Config">The parsed configuration.</param>
internal sealed record RouterDefinition(PluginConfig Plugin, RouterConfig Config)
{
    /// <summary>Reads all valid configurations of a file.</summary>
    /// <param name="file">The file's path, or <c>-</c> for standard input.</param>
    /// <param name="args">A value for CNI_ARGS, such as <c>K8S_POD_NAME=web-0;IP=192.168.12.99</c>, or null for no particular pod.</param>
    /// <param name="network">The name of one network, or null for all.</param>
    /// <exception cref="UsageException">The file has no such configuration, or one has faults; the message lists them all.</exception>
    public static ImmutableArray<RouterDefinition> ReadAll(string file, Stream stdin, string? args, string? network) =>
        [.. Find(file, stdin, network).Select(plugin => new RouterDefinition(plugin, Parse(plugin, args)))];

    /// <summary>Reads one configuration of a file.</summary>
    /// <param name="file">The file's path, or <c>-</c> for standard input.</param>
    /// <param name="args">As for <see cref="ReadAll"/>.</param>
    /// <param name="network">The network's name, or null if the file has only one.</param>
    /// <exception cref="UsageException">The file has no such configuration, has several, or the configuration has faults.</exception>
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
        if (GateConfig.IsIn(plugin.Json))
        {
            throw new UsageException($"{plugin.Source.File}: it has \"egressIP\", so the plugin makes no router");
        }

        ConfigResult result = RouterConfig.Parse(plugin.Json, ParseArgs(args), forAnyPod: args is null);
        if (result.Config is RouterConfig config)
        {
            return config;
        }

        Finding[] faults = [.. Validation.Inspect(plugin.Source).Where(finding => !finding.IsWarning)];
        // Faults caused only by the pod's name or by CNI_ARGS have no position in the file.
        throw new UsageException(
            string.Join(
                '\n',
                faults.Length > 0 ? faults.Select(fault => fault.ToString())
                    : result.Errors.Select(fault => $"{plugin.Source.File}: {fault}")));
    }

    private static ImmutableArray<KeyValuePair<string, string>> ParseArgs(string? args) =>
    [
        .. (args ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries).Select(
            pair => pair.IndexOf('=', StringComparison.Ordinal) is int at and > 0
            ? KeyValuePair.Create(pair[..at], pair[(at + 1)..])
            : throw new UsageException($"--args \"{pair}\": it is not KEY=VALUE")),
    ];
}
