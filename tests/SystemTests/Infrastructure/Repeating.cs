namespace SystemTests;

/// <summary>Does something again and again, on a thread of its own, until it is disposed of.</summary>
internal sealed class Repeating : IDisposable
{
    private readonly Thread _thread;
    private volatile bool _ends;

    public Repeating(Action action)
    {
        _thread = new Thread(() =>
        {
            while (!_ends)
            {
                action();
            }
        })
        { IsBackground = true };
        _thread.Start();
    }

    public void Dispose()
    {
        _ends = true;
        _thread.Join();
    }
}
