using Serilog;
using Serilog.Events;

namespace EgressRouter.Logging;

/// <summary>A log that is written as lines to one writer, such as the standard error.</summary>
public static class TextLog
{
    /// <summary>Makes the logger.</summary>
    /// <param name="level">The lowest level that is logged.</param>
    /// <param name="writer">Gets a line for each event.</param>
    public static ILogger Create(LogEventLevel level, TextWriter writer) =>
        new LoggerConfiguration().MinimumLevel.Is(level).WriteTo.Sink(new StandardErrorSink(writer)).CreateLogger();
}
