using System.Collections.Immutable;
using System.Net;

namespace EgressIp.Tests;

/// <summary>Clusters in short words: an address that begins with a dot is in 192.168.126.0/24, an item is address@node.</summary>
internal static class Given
{
    public static readonly ImmutableDictionary<string, string> NoLabels = ImmutableDictionary<string, string>.Empty;

    public static Node N1 => Node("n1", "192.168.126.12/24", "fd00:126::12/64", "10.10.10.5/24");

    public static Node N2 => Node("n2", "192.168.126.51/24", "fd00:126::51/64", "10.10.10.6/24");

    public static Node N3 => Node("n3", "192.168.126.53/24");

    public static Node N4 => Node("n4", "192.168.126.54/24");

    public static ImmutableArray<Node> ThreeNodes => [N1, N2, N3];

    public static Node Node(string name, params string[] networks) => new(
        name,
        NoLabels.Add(EgressIp.Node.AssignableLabel, ""),
        Ready: true,
        [.. networks.Select((network, index) => NodeNetwork.Of($"eth{index}", network))],
        Capacity: null,
        Held: []);

    public static Node Unlabelled(this Node node) => node with { Labels = NoLabels };

    /// <summary>An object; a later letter is a younger one.</summary>
    public static EgressIP Object(string name, string addresses, string items = "") => new(
        name,
        new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddMinutes(name[0]),
        [.. Split(addresses).Select(Long)],
        LabelSelector.Everything,
        null,
        [.. Split(items).Select(item => new StatusItem(Long(item.Split('@')[0]), item.Split('@')[1]))]);

    /// <summary>Objects that hold so many addresses of 192.168.126.200 and on at these nodes.</summary>
    public static ImmutableArray<EgressIP> Holding(params (string Node, int Count)[] counts)
    {
        string[] nodes = [.. counts.SelectMany(count => Enumerable.Repeat(count.Node, count.Count))];
        return [.. nodes.Select((node, index) => Object($"a{index:d2}", $".{200 + index}", $".{200 + index}@{node}"))];
    }

    public static Cluster Cluster(ImmutableArray<Node> nodes, params ImmutableArray<EgressIP> objects) =>
        new(objects, nodes, [.. nodes.Select(node => node.Name)], [], []);

    public static IPAddress Address(string text) => IPAddress.Parse(Long(text));

    public static Dictionary<string, string> Labels(string labels) =>
        Split(labels).ToDictionary(label => label.Split('=')[0], label => label.Split('=')[1]);

    /// <summary>The cluster with its assignment as the status so far.</summary>
    public static Cluster After(this Cluster cluster, Assignment assignment) => cluster with
    {
        EgressIPs = [.. cluster.EgressIPs.Select(source => source with
        {
            Items = [.. assignment.Object(source.Name).Items.Select(item => new StatusItem(item.EgressIP, item.Node))],
        })],
    };

    public static ObjectAssignment Object(this Assignment assignment, string name) => assignment.Objects.Single(made => made.Name == name);

    /// <summary>The items of an object as address@node.</summary>
    public static string Items(this ObjectAssignment made) =>
        string.Join(' ', made.Items.Select(item => $"{Short(item.EgressIP)}@{item.Node}"));

    public static string ItemsOf(this Cluster cluster, string name) => Assignment.Of(cluster).Object(name).Items();

    /// <summary>The reasons of an object's events.</summary>
    public static string Reasons(this ObjectAssignment made) => string.Join(' ', made.Events.Select(told => told.Reason));

    /// <summary>How many addresses each node holds, by name.</summary>
    public static string Counts(this Assignment assignment, ImmutableArray<Node> nodes) => string.Join('/', nodes.Select(
        node => assignment.Objects.SelectMany(made => made.Items).Count(item => item.Node == node.Name)));

    /// <summary>All that is decided, as text.</summary>
    public static string Text(this Assignment assignment) => string.Join('\n', assignment.Objects.Select(made => string.Join(
        '\n',
        [
            made.Name,
            .. made.Items.Select(item => item.ToString()),
            .. made.Unassigned.Select(address => $"{address} {string.Join(',', address.Nodes)}"),
            .. made.Conditions.Select(condition => condition.ToString()),
            .. made.Events.Select(told => told.ToString()),
            .. made.Moves.Select(move => move.ToString()),
            .. made.Members.Select(member => $"{member} {string.Join(',', member.EgressIPs)}"),
        ])));

    private static string[] Split(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static string Long(string address) => address.StartsWith('.') ? $"192.168.126{address}" : address;

    private static string Short(string address) => address.Replace("192.168.126.", ".", StringComparison.Ordinal);
}
