using EgressRouter.Config;
using Serilog.Events;

namespace EgressRouter.Logging;

/// <summary>Maps the configuration's log levels to those of Serilog.</summary>
/// <remarks>
/// The last two are swapped: <c>debug</c> gives the most output in other CNI plugins, but <see cref="LogEventLevel.Verbose"/> does
/// in Serilog. The names have the same meaning here as in configurations for those plugins.
/// </remarks>
internal static class LogLevelMapping
{
    /// <summary>In the order of <see cref="LogLevel"/>.</summary>
    private static readonly LogEventLevel[] _levels =
    [
        LogEventLevel.Fatal,
        LogEventLevel.Error,
        LogEventLevel.Warning,
        LogEventLevel.Information,
        LogEventLevel.Debug,
        LogEventLevel.Verbose,
    ];

    public static LogEventLevel ToSerilog(this LogLevel level) => _levels[(int)level];

    /// <summary>The configuration's name of the level.</summary>
    public static string Name(this LogEventLevel level) => ((LogLevel)Array.IndexOf(_levels, level)).Name();
}
