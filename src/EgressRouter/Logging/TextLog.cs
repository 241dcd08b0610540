using Serilog;
using Serilog.Events;

namespace EgressRouter.Logging;

/// <summary>A log that writes lines to one writer, such as standard error.</summary>
public static class TextLog
{
    /// <summary>Creates the logger.</summary>
    /// <param name="level">The lowest level that is logged.</param>
    /// <param name="writer">Receives one line per event.</param>
    public static ILogger Create(LogEventLevel level, TextWriter writer) =>
        new LoggerConfiguration().MinimumLevel.Is(level).WriteTo.Sink(new StandardErrorSink(writer)).CreateLogger();
}
