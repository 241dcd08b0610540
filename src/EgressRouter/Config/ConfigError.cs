using System.Collections.Immutable;
using Cni;

namespace EgressRouter.Config;

/// <summary>Kinds of errors that callers handle differently.</summary>
public enum ConfigErrorCode
{
    /// <summary>The value is wrong: error code 7 of the CNI specification.</summary>
    Invalid,

    /// <summary>The value is known but not supported: error code 2, whose message must contain key and value.</summary>
    Unsupported,

    /// <summary>A fallback destination is not the last entry.</summary>
    FallbackNotLast,
}

/// <summary>An error or a warning about a configuration: its path, the value and the reason.</summary>
/// <param name="Path">The path from the top of the configuration.</param>
/// <param name="Text">
/// The offending text as written, or null if there is none to show. Assignment escapes control and format characters and
/// truncates the text to 80 characters.
/// </param>
/// <param name="Reason">The reason, in one line.</param>
public sealed record ConfigError(JsonPath Path, string? Text, string Reason)
{
    /// <inheritdoc cref="ConfigError(JsonPath, string?, string)" path="/param[@name='Text']"/>
    public string? Text { get; init => field = Escape(value); } = Escape(Text);

    /// <summary>The kind of error.</summary>
    public ConfigErrorCode Code { get; init; }

    /// <summary>Whether the value is known but not supported.</summary>
    public bool UnsupportedValue => Code == ConfigErrorCode.Unsupported;

    /// <summary>One line: <c>ip.destinations[1] "70000 tcp 203.0.113.26": port 70000 is outside 1-65535</c>.</summary>
    public override string ToString() => Text is null ? $"{Path}: {Reason}" : $"{Path} \"{Text}\": {Reason}";

    private static string? Escape(string? text) => text is null ? null : SafeText.Short(text);
}

/// <summary>A parsed network configuration, or its errors.</summary>
/// <param name="Config">The configuration; null if and only if there are errors.</param>
/// <param name="Errors">All errors, in document order.</param>
/// <param name="Warnings">Likely mistakes that have no effect, in document order.</param>
public sealed record ConfigResult(RouterConfig? Config, ImmutableArray<ConfigError> Errors, ImmutableArray<ConfigError> Warnings);
