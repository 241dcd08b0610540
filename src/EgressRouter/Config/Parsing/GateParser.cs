using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace EgressRouter.Config;

/// <summary>Parses a configuration with <c>egressIP</c>.</summary>
internal static class GateParser
{
    public const string Key = "egressIP";
    public const string SocketKey = "agentSocket";
    public const string TimeoutKey = "timeout";

    private const int MinTimeout = 1;

    // A runtime gives up after two minutes, and waits for the other plugins too.
    private const int MaxTimeout = 60;

    /// <summary>The size of sun_path, with the NUL at its end (unix(7)).</summary>
    private const int SocketPathSize = 108;

    public static ImmutableArray<ConfigError> Read(JsonElement document, out GateConfig? gate)
    {
        var errors = new ConfigErrors();
        gate = null;
        if (ObjectReader.Open(document, errors) is ObjectReader config)
        {
            if (config.Value(Key) is { ValueKind: not JsonValueKind.True } value)
            {
                errors.Add(Key, JsonShown.Show(value), "must be true; leave the key out for an egress router");
            }

            gate = new GateConfig(ReadSocket(config, errors), ReadTimeout(config, errors));
            LogParser.Check(config, errors);
            KnownKeys.RefuseOthers(config, errors);
        }

        ImmutableArray<ConfigError> found = errors.ErrorsOf(document);
        gate = found.IsEmpty ? gate : null;
        return found;
    }

    private static string ReadSocket(ObjectReader config, ConfigErrors errors)
    {
        string path = config.Setting(SocketKey) ?? GateConfig.Default.AgentSocket;
        if (path is not ['/', ..] || path.Contains('\0'))
        {
            errors.Add(SocketKey, path, "must be an absolute path");
        }
        else if (Encoding.UTF8.GetByteCount(path) >= SocketPathSize)
        {
            errors.Add(SocketKey, path, $"is longer than {SocketPathSize - 1} bytes");
        }

        return path;
    }

    private static TimeSpan ReadTimeout(ObjectReader config, ConfigErrors errors) =>
        NumberReader.Read(config, TimeoutKey, MinTimeout, MaxTimeout, errors) is int seconds
            ? TimeSpan.FromSeconds(seconds)
            : GateConfig.Default.Timeout;
}
