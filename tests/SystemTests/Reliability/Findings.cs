using Shared;

namespace SystemTests.Reliability;

/// <summary>Many cases of one promise: all are tried, and all that broke it are told.</summary>
internal sealed class Findings(string what)
{
    private const int Shown = 20;

    private readonly List<string> _broken = [];
    private int _count;

    /// <summary>Tries a case; returns whether the promise held.</summary>
    /// <param name="name">Says which it was, and what is known when it has broken.</param>
    /// <param name="test">Fails unless the promise is kept.</param>
    public bool Try(Func<string> name, Action test)
    {
        _count++;
        try
        {
            test();
            return true;
        }
        catch (Exception fault)
        {
            _broken.Add($"{name()}: {fault.Message[..Math.Min(fault.Message.Length, 1500)]}");
            return false;
        }
    }

    /// <summary>Notes the figures, and fails if the promise was ever broken.</summary>
    /// <param name="atLeast">How many cases there have to be: a test of nothing proves nothing.</param>
    public void AssertNone(int atLeast)
    {
        Figures.Note($"{what}: {_count} run, {_count - _broken.Count} held");
        Assert.True(
            _broken.Count == 0, $"{what}: {_broken.Count} of {_count} broke the promise:\n{string.Join("\n\n", _broken.Take(Shown))}");
        Assert.InRange(_count, atLeast, int.MaxValue);
    }
}
