using Serilog.Core;
using Serilog.Events;

namespace EgressRouter.Logging;

/// <summary>
/// Writes events to stderr, where the CNI specification ("Section 2") places logs. Each line is one write.
/// </summary>
internal sealed class StandardErrorSink(TextWriter stderr) : ILogEventSink
{
    public void Emit(LogEvent logEvent)
    {
        // Throws if the runtime has closed its end of the pipe; the logger ignores that, and the plugin continues.
        stderr.Write(LineFormatter.Line(logEvent));
        stderr.Flush();
    }
}
