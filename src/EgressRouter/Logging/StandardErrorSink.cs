using Serilog.Core;
using Serilog.Events;

namespace EgressRouter.Logging;

/// <summary>
/// Events to stderr, which runtimes keep for people (CNI specification, "Section 2": logs go there). A line is one write.
/// </summary>
internal sealed class StandardErrorSink(TextWriter stderr) : ILogEventSink
{
    public void Emit(LogEvent logEvent)
    {
        // A runtime that has closed its end makes this throw; the logger swallows that, and the plugin's work goes on.
        stderr.Write(LineFormatter.Line(logEvent));
        stderr.Flush();
    }
}
