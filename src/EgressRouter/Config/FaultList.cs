using System.Collections.Immutable;
using System.Text.Json;

namespace EgressRouter.Config;

/// <summary>Collects what is wrong, so that all of it can be said at once.</summary>
internal sealed class FaultList
{
    private readonly List<ConfigFault> _faults = [];
    private readonly List<ConfigFault> _warnings = [];

    /// <summary>Reports what makes the configuration unusable.</summary>
    public void Fault(JsonPath path, string? text, string reason, FaultCode code = FaultCode.Invalid) =>
        _faults.Add(new ConfigFault(path, text, reason) { Code = code });

    /// <summary>Whether it keeps to a bound; if not, that is reported.</summary>
    public bool IsWithin(Bound bound, int count, JsonPath path)
    {
        string? reason = bound.WhyNot(count);
        if (reason is not null)
        {
            Fault(path, null, reason);
        }

        return reason is null;
    }

    /// <summary>Reports what is understood but not supported.</summary>
    public void Unsupported(JsonPath path, string? text, string reason) => Fault(path, text, reason, FaultCode.Unsupported);

    /// <summary>Reports what has no effect but is likely a mistake.</summary>
    public void Warn(JsonPath path, string? text, string reason) => _warnings.Add(new ConfigFault(path, text, reason));

    /// <summary>Reports a value of another kind than expected.</summary>
    public void WrongKind(JsonPath path, JsonElement value, string expected) =>
        Fault(path, JsonShown.Show(value), $"expected {expected}, got {JsonShown.KindOf(value)}");

    /// <summary>The result: <paramref name="config"/> unless there are faults.</summary>
    /// <param name="config">What was read.</param>
    /// <param name="document">The document, for the order.</param>
    public ConfigResult ToResult(RouterConfig? config, JsonElement document)
    {
        if (_faults.Count + _warnings.Count == 0)
        {
            return new ConfigResult(config, [], []);
        }

        var order = new DocumentOrder(document, _faults.Concat(_warnings).Select(fault => fault.Path));
        ImmutableArray<ConfigFault> faults = order.Sort(_faults);
        return new ConfigResult(faults.IsEmpty ? config : null, faults, order.Sort(_warnings));
    }
}
