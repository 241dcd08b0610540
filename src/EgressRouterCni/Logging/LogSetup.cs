using System.Runtime.CompilerServices;
using System.Text;
using EgressRouter.Logging;
using Microsoft.Win32.SafeHandles;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Sinks.File;

namespace EgressRouterCni.Logging;

/// <summary>
/// Where events go: to stderr, and to a file if the configuration names one. Logging never fails the plugin's work: what
/// cannot be logged is lost, with one warning on stderr.
/// </summary>
public static class LogSetup
{
    /// <summary>Makes the logger. Dispose it (it is a <see cref="Logger"/>) to close the file.</summary>
    /// <param name="file">The log's absolute path, or null for none; see <see cref="LogFile"/> for what is refused.</param>
    /// <param name="level">The most talkative level that is logged, to both.</param>
    /// <param name="stderr">The process's stderr.</param>
    /// <returns>The logger. It does not throw, whatever becomes of its outputs.</returns>
    public static ILogger Create(string? file, LogEventLevel level, TextWriter stderr)
    {
        ArgumentNullException.ThrowIfNull(stderr);
        LoggerConfiguration configuration = new LoggerConfiguration()
            .MinimumLevel.Is(level)
            .WriteTo.Sink(new StandardErrorSink(stderr));
        if (!string.IsNullOrEmpty(file))
        {
            AddFile(configuration, file, reason => Warn(stderr, file, reason));
        }

        return configuration.CreateLogger();
    }

    private static void AddFile(LoggerConfiguration configuration, string path, Action<string> warn)
    {
        SafeFileHandle? handle = LogFile.Open(path, out string reason);
        if (handle is null)
        {
            warn(reason);
            return;
        }

        if (!Directory.Exists("/proc/self/fd"))
        {
            // Serilog would make these folders.
            handle.Dispose();
            warn("/proc is not mounted");
            return;
        }

        // The sink follows symbolic links and does not append: its stream is replaced by one on the descriptor that LogFile checked.
        var hook = new Hook(new AppendStream(handle, warn));
        try
        {
            configuration.WriteTo.Sink(MakeSink(
                $"/proc/self/fd/{handle.DangerousGetHandle()}", new LineFormatter(), null,
                new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), false, hook));
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            handle.Dispose();
            warn("/proc/self/fd cannot be used");
        }
    }

    /// <summary>
    /// What WriteTo.File makes of a file that does not roll. WriteTo.File itself would link half a megabyte of regular expressions.
    /// </summary>
    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    private static extern FileSink MakeSink(
        string path, ITextFormatter formatter, long? limit, Encoding? encoding, bool buffered, FileLifecycleHooks? hooks);

    private static void Warn(TextWriter stderr, string file, string reason)
    {
        // The same shape as an event's line, with the same escapes: the path comes from a configuration.
        var warning = new LogEvent(
            DateTimeOffset.UtcNow,
            LogEventLevel.Warning,
            null,
            new MessageTemplate([new Serilog.Parsing.TextToken($"not logging to {file}: {reason}")]),
            []);
        try
        {
            new StandardErrorSink(stderr).Emit(warning);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // Nobody is listening any more.
        }
    }

    private sealed class Hook(AppendStream stream) : FileLifecycleHooks
    {
        public override Stream OnFileOpened(Stream underlyingStream, Encoding encoding)
        {
            underlyingStream.Dispose();
            return stream;
        }
    }
}
