using Serilog.Events;

namespace EgressRouter.Logging;

/// <summary>
/// The levels of a log as the configuration names them, from quiet to talkative:
/// <c>panic &lt; error &lt; warning &lt; info &lt; verbose &lt; debug</c>.
/// </summary>
/// <remarks>
/// Beware that the last two are crossed: other CNI plugins have <c>debug</c> as the most talkative level, Serilog has
/// <see cref="LogEventLevel.Verbose"/> there. Configurations written for those plugins mean the same here.
/// </remarks>
public static class LogLevelNames
{
    /// <summary>All names, for messages: <c>panic, error, warning, info, verbose, debug</c>.</summary>
    public const string All = "panic, error, warning, info, verbose, debug";

    /// <summary>Reads a name. Upper and lower case are the same.</summary>
    /// <param name="text">Such as <c>warning</c>.</param>
    /// <param name="level">The level, if it is one.</param>
    /// <returns>Whether it is one of <see cref="All"/>.</returns>
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

    /// <summary>The level's name, as <see cref="TryParse"/> reads it.</summary>
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
