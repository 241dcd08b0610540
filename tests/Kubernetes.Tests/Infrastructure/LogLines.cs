using System.Collections.Concurrent;
using System.Globalization;
using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace Kubernetes.Tests.Infrastructure;

/// <summary>What was logged.</summary>
internal sealed class LogLines : ILogEventSink
{
    private readonly ConcurrentQueue<LogEvent> _lines = [];

    public LogLines() => Log = new LoggerConfiguration().MinimumLevel.Verbose().WriteTo.Sink(this).CreateLogger();

    public ILogger Log { get; }

    /// <summary>Warnings and errors.</summary>
    public string[] Warnings =>
        [.. _lines.Where(line => line.Level >= LogEventLevel.Warning).Select(line => line.RenderMessage(CultureInfo.InvariantCulture))];

    public void Emit(LogEvent logEvent) => _lines.Enqueue(logEvent);
}
