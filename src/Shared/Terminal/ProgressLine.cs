using System.Runtime.InteropServices;
using System.Text;
using Cni;

namespace Terminal;

/// <summary>
/// One line on standard error that tells how far long work is, and goes when the work ends or is interrupted. There is none in a pipe,
/// on a dumb terminal, and in the first half second.
/// </summary>
internal sealed class ProgressLine : IProgress<string>, IDisposable
{
    private static readonly TimeSpan _delay = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly Timer? _timer;
    private readonly PosixSignalRegistration[] _signals = [];
    private string _text = "";
    private string _shown = "";
    private volatile bool _isOver;

    /// <summary>Starts the line, which shows nothing yet.</summary>
    public ProgressLine()
    {
        if (!Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb"))
        {
            _timer = new Timer(_ => Show(), null, _delay, _interval);
            // The signals still end the process, after the line is gone.
            _signals = [PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => End()),
                PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => End())];
        }
    }

    /// <summary>Sets the text. It may come from a file.</summary>
    public void Report(string value) => Volatile.Write(ref _text, value);

    public void Dispose()
    {
        Array.ForEach(_signals, signal => signal.Dispose());
        End();
    }

    private void End()
    {
        _timer?.Dispose();
        _isOver = true;
        Show();
    }

    private void Show()
    {
        // Disposing of the timer does not wait for it: what it calls then finds nothing to show.
        lock (_lock)
        {
            string text = _isOver ? "" : SafeText.Part(Volatile.Read(ref _text));
            if (_timer is null || text == _shown)
            {
                return;
            }

            _shown = text;
            try
            {
                using Stream stderr = Console.OpenStandardError();
                stderr.Write(Encoding.UTF8.GetBytes($"\r\e[K{text}"));
            }
            catch (IOException)
            {
                // The terminal is gone; the work goes on.
            }
        }
    }
}
