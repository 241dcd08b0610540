using System.Collections.Immutable;
using System.Text.Json;

namespace EgressRouter.Config;

/// <summary>
/// A configuration with <c>egressIP</c>: the plugin makes no router, but waits until the node's agent has prepared the node for the pod.
/// </summary>
/// <param name="AgentSocket">The path of the agent's socket (<c>agentSocket</c>).</param>
/// <param name="Timeout">How long the plugin waits for the agent (<c>timeout</c>), 1 s to 60 s.</param>
public sealed record GateConfig(string AgentSocket, TimeSpan Timeout)
{
    /// <summary>The configuration without the optional keys.</summary>
    public static GateConfig Default { get; } = new(AgentProtocol.PodQuestion.DefaultSocket, TimeSpan.FromSeconds(10));

    /// <summary>Whether a configuration is one of these; it may be invalid.</summary>
    /// <param name="config">The object that a runtime passes to the plugin; may be undefined.</param>
    public static bool IsIn(JsonElement config) =>
        config.ValueKind == JsonValueKind.Object && config.TryGetProperty(GateParser.Key, out JsonElement value)
        && value.ValueKind != JsonValueKind.Null;

    /// <summary>Parses the configuration.</summary>
    /// <param name="config">The object that a runtime passes to the plugin.</param>
    /// <param name="gate">The configuration; null if and only if there are errors.</param>
    /// <returns>All errors, in document order.</returns>
    public static ImmutableArray<ConfigError> Parse(JsonElement config, out GateConfig? gate) => GateParser.Read(config, out gate);
}
