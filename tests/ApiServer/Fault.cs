namespace ApiServer;

/// <summary>What the server does instead of its work.</summary>
public sealed class Fault
{
    private Fault(FaultKind kind) => Kind = kind;

    /// <summary>The client's request stays without an answer until the client gives up.</summary>
    public static Fault Silence { get; } = new(FaultKind.Silence);

    /// <summary>The connection is cut, and nothing was done.</summary>
    public static Fault CutBefore { get; } = new(FaultKind.CutBefore);

    /// <summary>The request is done, and the connection is cut before the answer: the client does not know.</summary>
    public static Fault CutAfter { get; } = new(FaultKind.CutAfter);

    internal FaultKind Kind { get; }

    internal int Code { get; private init; }

    internal TimeSpan? Time { get; private init; }

    internal int Lines { get; private init; }

    /// <summary>An error, and nothing was done.</summary>
    /// <param name="code">For example 409, 410, 429, 500, 503.</param>
    /// <param name="retryAfter">For the header Retry-After.</param>
    public static Fault Answer(int code, TimeSpan? retryAfter = null) => new(FaultKind.Answer) { Code = code, Time = retryAfter };

    /// <summary>The request is done and answered late.</summary>
    public static Fault Delay(TimeSpan time) => new(FaultKind.Delay) { Time = time };

    /// <summary>The request is done at once, but answered late. Not for watches.</summary>
    public static Fault LateAnswer(TimeSpan time) => new(FaultKind.LateAnswer) { Time = time };

    /// <summary>A watch is cut in the middle of a line.</summary>
    /// <param name="after">How many whole lines it sends before.</param>
    public static Fault CutLine(int after = 0) => new(FaultKind.CutLine) { Lines = after };

    /// <summary>A watch sends one line that is no JSON, and goes on.</summary>
    /// <param name="after">How many whole lines it sends before.</param>
    public static Fault DamagedLine(int after = 0) => new(FaultKind.DamagedLine) { Lines = after };
}

/// <summary>Which fault.</summary>
internal enum FaultKind
{
    Answer,
    Delay,
    LateAnswer,
    Silence,
    CutBefore,
    CutAfter,
    CutLine,
    DamagedLine,
}

/// <summary>A fault for some requests. Dispose ends it.</summary>
public sealed class FaultRule : IDisposable
{
    private readonly Lock _gate = new();

    private readonly Func<ApiRequest, bool> _when;

    private int _left;

    internal FaultRule(Func<ApiRequest, bool> when, Fault fault, int times) => (_when, Fault, _left) = (when, fault, times);

    /// <summary>How often it has happened.</summary>
    public int Count { get; private set; }

    internal Fault Fault { get; }

    /// <summary>The fault does not happen any more.</summary>
    public void Dispose() => _left = 0;

    internal bool Takes(ApiRequest request)
    {
        lock (_gate)
        {
            if (_left <= 0 || !_when(request))
            {
                return false;
            }

            _left--;
            Count++;
            return true;
        }
    }
}
