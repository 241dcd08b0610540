using System.Collections;
using Cni;

namespace EgressRouter.Commands;

/// <summary>Collects failures that must not stop the rest, and combines them into one error.</summary>
internal sealed class ErrorCollector : IEnumerable<Exception>
{
    private readonly List<Exception> _failures = [];

    /// <summary>Runs an action, and keeps the exception that it throws.</summary>
    public void Run(Action part)
    {
        try
        {
            part();
        }
        catch (Exception failure)
        {
            // Any exception: it must not stop the other actions.
            _failures.Add(failure);
        }
    }

    /// <summary>As <see cref="Run(Action)"/>, with the place in the message.</summary>
    public void Run(string place, Action part)
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
