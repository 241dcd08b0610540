using SystemTests;

namespace Benchmarks;

/// <summary>A pod that nothing was done to yet, with a cluster interface and a default route, on the node of a lab.</summary>
internal sealed class FreshPod : IDisposable
{
    /// <summary>What <c>ip</c> makes its default route of.</summary>
    public const string DefaultRoute = "route add default via 10.129.2.1";

    private static int _count;

    private readonly string _name;

    public FreshPod(Lab lab)
    {
        int number = Interlocked.Increment(ref _count);
        // Named like those of a lab: the program looks for such names at its end.
        _name = $"er-fresh-{Environment.ProcessId}-{number}";
        Command.Must("ip", ["netns", "add", _name]);
        Lab.Batch(_name, $"""
            link set lo up
            link add eth0 type veth peer name fresh{number} netns {lab.Client}
            address add 10.129.2.31/23 dev eth0
            link set eth0 up
            {DefaultRoute}
            """);
        Lab.Batch(lab.Client, $"link set fresh{number} up");
    }

    public string Path => Lab.PathOf(_name);

    public string Name => _name;

    public void Dispose() => Command.Must("ip", ["netns", "delete", _name]);
}
