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
/// Sends events to stderr, and to a file if the configuration names one. Logging never fails the plugin's work: an event that cannot
/// be written is lost, with one warning on stderr.
/// </summary>
public static class LogSetup
{
    /// <summary>Creates the logger. Dispose it (it is a <see cref="Logger"/>) to close the file.</summary>
    /// <param name="file">The log's absolute path, or null for no file; <see cref="LogFile"/> refuses unsafe paths.</param>
    /// <param name="level">The minimum level of both outputs.</param>
    /// <param name="stderr">The process's stderr.</param>
    /// <returns>The logger. It never throws, even if its outputs fail.</returns>
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
            // Serilog would create these folders.
            handle.Dispose();
            warn("/proc is not mounted");
            return;
        }

        // The sink follows symbolic links and does not append, so that a stream on the descriptor that LogFile checked replaces its own.
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
    /// The sink that WriteTo.File creates without rolling. WriteTo.File itself would link half a megabyte of regular expressions.
    /// </summary>
    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    private static extern FileSink MakeSink(
        string path, ITextFormatter formatter, long? limit, Encoding? encoding, bool buffered, FileLifecycleHooks? hooks);

    private static void Warn(TextWriter stderr, string file, string reason)
    {
        // The warning has the format and the escapes of an event's line: the path comes from a configuration.
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
            // stderr is closed.
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
