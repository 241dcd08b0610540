using Serilog;

namespace EgressOperator.Agent;

/// <summary>Logs which nodes are heard: the reason why addresses move. Not thread-safe.</summary>
internal sealed class PeerLog(ILogger log)
{
    private string[] _missing = [];

    private string[] _dead = [];

    private bool _isIsolated;

    /// <param name="missing">Egress nodes that this node does not hear.</param>
    /// <param name="dead">Those of them that most nodes do not hear.</param>
    /// <param name="isIsolated">Whether most nodes do not hear this one.</param>
    public void Tell(IEnumerable<string> missing, IEnumerable<string> dead, bool isIsolated)
    {
        (string[] missingBefore, string[] deadBefore) = (_missing, _dead);
        (_missing, _dead) = ([.. missing], [.. dead]);
        foreach (string node in _missing.Except(missingBefore))
        {
            log.Information("egress node {Node:l} is not heard", [node]);
        }

        foreach (string node in _dead.Except(deadBefore))
        {
            log.Warning("egress node {Node:l} is lost: more than half of the nodes do not hear it", [node]);
        }

        foreach (string node in missingBefore.Except(_missing))
        {
            log.Information("egress node {Node:l} is heard again", [node]);
        }

        if (isIsolated && !_isIsolated)
        {
            log.Warning("more than half of the nodes do not hear this node: it lets go of its egress addresses", []);
        }
        else if (_isIsolated && !isIsolated)
        {
            log.Information("this node is heard again", []);
        }

        _isIsolated = isIsolated;
    }
}
