using System.Collections.Immutable;
using Cni;

namespace EgressRouter.Config;

/// <summary>Kinds of faults that code treats differently.</summary>
public enum FaultCode
{
    /// <summary>The value is wrong: error code 7 of the CNI specification.</summary>
    Invalid,

    /// <summary>The value is understood but not supported: error code 2, whose message must contain key and value.</summary>
    Unsupported,

    /// <summary>A fallback destination stands before others.</summary>
    FallbackNotLast,
}

/// <summary>A fault of a configuration, or a warning: its place, the value there, and the reason.</summary>
/// <param name="Path">The place, from the top of the configuration.</param>
/// <param name="Text">
/// The offending text as it stands there, or null when there is none to show. Control and format characters are escaped
/// and what is longer than 80 characters is cut, whatever is assigned.
/// </param>
/// <param name="Reason">Why it is wrong, in one line.</param>
public sealed record ConfigError(JsonPath Path, string? Text, string Reason)
{
    /// <inheritdoc cref="ConfigError(JsonPath, string?, string)" path="/param[@name='Text']"/>
    public string? Text { get; init => field = Escape(value); } = Escape(Text);

    /// <summary>What kind of fault it is.</summary>
    public FaultCode Code { get; init; }

    /// <summary>Whether the value is understood but not supported.</summary>
    public bool UnsupportedValue => Code == FaultCode.Unsupported;

    /// <summary>One line: <c>ip.destinations[1] "70000 tcp 203.0.113.26": port 70000 is outside 1-65535</c>.</summary>
    public override string ToString() => Text is null ? $"{Path}: {Reason}" : $"{Path} \"{Text}\": {Reason}";

    private static string? Escape(string? text) => text is null ? null : SafeText.Short(text);
}

/// <summary>A parsed network configuration, or its faults.</summary>
/// <param name="Config">The configuration; null exactly when there are faults.</param>
/// <param name="Faults">Everything that is wrong, in the order of the document.</param>
/// <param name="Warnings">What is likely a mistake but has no effect, in the order of the document.</param>
public sealed record ConfigResult(RouterConfig? Config, ImmutableArray<ConfigError> Faults, ImmutableArray<ConfigError> Warnings);
