using Shared;

namespace SystemTests.Reliability;

/// <summary>
/// A lab for thousands of runs, with a configuration that uses all that ADD can do, and what pod and node look like
/// without and with the attachment.
/// </summary>
internal sealed class ReliabilityLab : IDisposable
{
    private readonly Lab _lab = new();
    private readonly Snapshot _pod;
    private readonly Snapshot _node;
    private readonly Snapshot _attachedPod;
    private readonly Snapshot _attachedNode;

    public ReliabilityLab()
    {
        // Strict, so that ADD has something more to change and DEL to restore.
        Lab.WriteSysctl(_lab.Pod, "net/ipv4/conf/eth0/rp_filter", "1");
        LogFile = Path.Combine(Path.GetTempPath(), $"{_lab.Pod}.log");
        Json = Config.Changed(Config.TwoAddresses, config =>
        {
            config["interfaceArgs"] = new System.Text.Json.Nodes.JsonObject { ["mac"] = "stable" };
            config["conflictDetection"] = "on";
            config["conflictDetectionTimeout"] = 20;
            config["log_file"] = LogFile;
        });
        try
        {
            _pod = _lab.PodSnapshot();
            _node = _lab.NodeSnapshot();
            System.Text.Json.Nodes.JsonObject result = _lab.Add(Json);
            JsonWithResult = Config.Changed(Json, config => config["prevResult"] = result);
            Eventually.IsTrue(() => Lab.HasLocalRoutes(_lab.Pod, "net1"), "net1 has no local routes");
            _attachedPod = _lab.PodSnapshot().WithoutNumbers();
            _attachedNode = _lab.NodeSnapshot();
            _lab.Delete(Json);
            AssertClean();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Json { get; }

    /// <summary>The configuration with the result of ADD, which is the same each time: CHECK needs it.</summary>
    public string JsonWithResult { get; }

    /// <summary>The log that the configuration names.</summary>
    public string LogFile { get; }

    public Lab Lab => _lab;

    /// <summary>Pod and node are exactly as before ADD.</summary>
    public void AssertClean()
    {
        _lab.PodSnapshot().AssertSameAs(_pod);
        _lab.NodeSnapshot().AssertSameAs(_node);
    }

    /// <summary>Pod and node are exactly as after an ADD that nothing disturbed.</summary>
    public void AssertAttached()
    {
        // The kernel puts the route of an IPv6 address into its local table by work of its own (addrconf_dad_work).
        _ = Eventually.Becomes(() => _lab.PodSnapshot().WithoutNumbers().IsSameAs(_attachedPod), seconds: 2);
        _lab.PodSnapshot().WithoutNumbers().AssertSameAs(_attachedPod);
        _lab.NodeSnapshot().AssertSameAs(_attachedNode);
    }

    /// <summary>DEL succeeds, and nothing is left.</summary>
    public void AssertDeletes()
    {
        _lab.Run("DEL", Json).AssertSuccess();
        AssertClean();
    }

    public void Dispose()
    {
        _lab.Dispose();
        File.Delete(LogFile);
    }
}
