using System.Collections;
using Cni;

namespace EgressRouter.Commands;

/// <summary>What went wrong where one failure must not stop the rest: all of it becomes one error.</summary>
internal sealed class ErrorCollector : IEnumerable<Exception>
{
    private readonly List<Exception> _failures = [];

    /// <summary>Does a part, and keeps what it throws.</summary>
    public void Of(Action part)
    {
        try
        {
            part();
        }
        catch (Exception failure)
        {
            // Whatever it is, it must not keep the other parts from being done.
            _failures.Add(failure);
        }
    }

    /// <summary>As the other, and says where it was.</summary>
    public void Of(string place, Action part)
    {
        try
        {
            part();
        }
        catch (Exception failure)
        {
            CniException? known = failure as CniException;
            _failures.Add(
                new CniException(known?.Code ?? PluginErrorCode.KernelRefused, $"{place}: {failure.Message}", known?.Details ?? ""));
        }
    }

    /// <summary>Keeps what failed elsewhere.</summary>
    public void AddRange(IEnumerable<Exception> failures) => _failures.AddRange(failures);

    /// <inheritdoc/>
    public IEnumerator<Exception> GetEnumerator() => _failures.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <exception cref="CniException">With the code of the first failure that has one.</exception>
    public void ThrowIfAny()
    {
        if (_failures.Count > 0)
        {
            CniException? first = _failures.OfType<CniException>().FirstOrDefault();
            throw new CniException(
                first?.Code ?? PluginErrorCode.KernelRefused, string.Join("; ", _failures.Select(failure => failure.Message)),
                first?.Details ?? "");
        }
    }
}
