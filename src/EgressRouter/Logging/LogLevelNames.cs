using Serilog.Events;

namespace EgressRouter.Logging;

/// <summary>
/// The configuration's names of log levels, from least to most output:
/// <c>panic &lt; error &lt; warning &lt; info &lt; verbose &lt; debug</c>.
/// </summary>
/// <remarks>
/// The last two are swapped: <c>debug</c> gives the most output in other CNI plugins, but <see cref="LogEventLevel.Verbose"/> does
/// in Serilog. The names have the same meaning here as in configurations for those plugins.
/// </remarks>
public static class LogLevelNames
{
    /// <summary>All names, for messages: <c>panic, error, warning, info, verbose, debug</c>.</summary>
    public const string All = "panic, error, warning, info, verbose, debug";

    /// <summary>Parses a name, ignoring case.</summary>
    /// <param name="text">The name, such as <c>warning</c>.</param>
    /// <param name="level">The level, if the name is valid.</param>
    /// <returns>Whether the name is one of <see cref="All"/>.</returns>
    public static bool TryParse(string? text, out LogEventLevel level)
    {
        foreach (LogEventLevel candidate in (ReadOnlySpan<LogEventLevel>)
            [
                LogEventLevel.Fatal,
                LogEventLevel.Error,
                LogEventLevel.Warning,
                LogEventLevel.Information,
                LogEventLevel.Debug,
                LogEventLevel.Verbose,
            ])
        {
            if (string.Equals(candidate.Name(), text, StringComparison.OrdinalIgnoreCase))
            {
                level = candidate;
                return true;
            }
        }

        level = default;
        return false;
    }

    /// <summary>The level's name, for <see cref="TryParse"/>.</summary>
    /// <param name="level">The level.</param>
    /// <exception cref="ArgumentOutOfRangeException">Not one of Serilog's levels.</exception>
    public static string Name(this LogEventLevel level) => level switch
    {
        LogEventLevel.Fatal => "panic",
        LogEventLevel.Error => "error",
        LogEventLevel.Warning => "warning",
        LogEventLevel.Information => "info",
        LogEventLevel.Debug => "verbose",
        LogEventLevel.Verbose => "debug",
        _ => throw new ArgumentOutOfRangeException(nameof(level), level, null),
    };
}
