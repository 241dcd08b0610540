using System.Collections.Immutable;

namespace EgressIp.Tests;

/// <summary>Thousands of small clusters, against <see cref="SlowAssigner"/>.</summary>
public class RandomTests
{
    [Fact]
    public void Ten_thousand_clusters_have_as_many_addresses_placed_as_can_be_and_always_the_same()
    {
        for (int seed = 0; seed < 10_000; seed++)
        {
            var random = new RandomCluster(seed);
            Cluster cluster = random.Make(nodes: 4, objects: 4, addressesOfOne: 3, byFamily: seed % 2 == 0);
            Assignment made = Assignment.Of(cluster);
            var slow = new SlowAssigner(cluster);

            Assert.True(slow.MostPlaced() == Placed(made), $"seed {seed}: {slow.MostPlaced()} can be placed\n{made.Text()}");
            Assert.Equal("", Broken(cluster, made, slow));
            Assert.Equal(made.Text(), Assignment.Of(cluster).Text());
            Assert.Equal(made.Text(), Assignment.Of(random.Shuffle(cluster)).Text());

            // What is written to the status changes nothing, and tells of no move.
            Cluster after = cluster.After(made);
            Assert.Equal(Items(made), Items(Assignment.Of(after)));
            Assert.Empty(Assignment.Of(after).Objects.SelectMany(source => source.Moves));
        }
    }

    [Fact]
    public void After_each_change_what_is_valid_stays()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new RandomCluster(seed);
            Cluster cluster = random.Make(nodes: 5, objects: 5, addressesOfOne: 3, byFamily: true);
            for (int change = 0; change < 20; change++)
            {
                cluster = random.Change(cluster.After(Assignment.Of(cluster)));
                Assert.Equal("", Broken(cluster, Assignment.Of(cluster), new SlowAssigner(cluster)));
            }
        }
    }

    /// <summary>Without capacities by family: with them and objects of both families nobody knows a fast way to the best.</summary>
    [Fact]
    public void Rebalance_places_most_balances_best_and_moves_fewest()
    {
        for (int seed = 0; seed < 4_000; seed++)
        {
            var random = new RandomCluster(seed);
            Cluster cluster = random.Make(nodes: 4, objects: 5, addressesOfOne: 2, byFamily: false);
            if (cluster.EgressIPs.Sum(source => source.EgressIPs.Length) > 7)
            {
                continue;
            }

            // What is more than the capacity need not go: that is not compared.
            int HasNow(Node node) => new SlowAssigner(cluster).Staying.Count(one => one.Node == node.Name);
            cluster = cluster with
            {
                Nodes = [.. cluster.Nodes.Select(node => HasNow(node) > node.Capacity?.IP ? node with { Capacity = null } : node)],
            };
            Assignment made = Assignment.Of(cluster, rebalance: true);
            (int count, long squares, int moves) = new SlowAssigner(cluster).Best();
            var stays = new SlowAssigner(cluster).Staying.ToHashSet();
            int moved = made.Objects.Sum(source => source.Items.Count(
                item => stays.Any(one => (one.Object, one.Address) == (source.Name, item.EgressIP) && one.Node != item.Node)));
            Assert.True(
                (count, squares, moves) == (Placed(made), Squares(made), moved),
                $"seed {seed}: {(count, squares, moves)} is possible, not {(Placed(made), Squares(made), moved)}\n{made.Text()}");
            Assert.Equal(made.Text(), Assignment.Of(random.Shuffle(cluster), rebalance: true).Text());
            Assert.Equal(Items(made), Items(Assignment.Of(cluster.After(made), rebalance: true)));
        }
    }

    [Fact]
    public void Rebalance_breaks_no_rule_with_capacities_by_family_and_never_places_fewer()
    {
        for (int seed = 0; seed < 3_000; seed++)
        {
            Cluster cluster = new RandomCluster(seed).Make(nodes: 4, objects: 5, addressesOfOne: 3, byFamily: true);
            Assignment before = Assignment.Of(cluster);
            Assignment made = Assignment.Of(cluster, rebalance: true);
            Assert.True(Placed(made) >= Placed(before));
            Assert.Equal("", Broken(cluster, made, stays: null));
        }
    }

    [Fact]
    public void A_thousand_objects_are_spread_evenly_over_fifty_nodes()
    {
        ImmutableArray<Node> nodes = [.. Enumerable.Range(0, 50).Select(
            index => Given.Node($"n{index:d2}", $"10.0.0.{index + 1}/15", $"fd00::{index + 1:x}/64"))];
        ImmutableArray<EgressIP> objects = [.. Enumerable.Range(0, 1000).Select(
            index => Given.Object($"e{index:d4}", $"10.0.{1 + (index / 250)}.{1 + (index % 250)} 10.1.{index / 250}.{1 + (index % 250)}"))];
        Assignment made = Assignment.Of(Given.Cluster(nodes, objects));
        Assert.Equal(2000, Placed(made));
        Assert.Equal(["40"], made.Counts(nodes).Split('/').Distinct());
        Assert.Equal("", string.Concat(made.Objects.SelectMany(source => source.Events)));

        // Two nodes fewer: only what they had moves. Then all may move back.
        Cluster smaller = Given.Cluster(nodes[2..], objects);
        smaller = smaller.After(made) with { EgressIPs = Given.Cluster(nodes, objects).After(made).EgressIPs };
        Assignment fewer = Assignment.Of(smaller);
        Assert.Equal(80, fewer.Objects.Sum(source => source.Moves.Length));
        int[] counts = [.. fewer.Counts(nodes[2..]).Split('/').Select(int.Parse)];
        Assert.InRange(counts.Max() - counts.Min(), 0, 1);

        Assignment again = Assignment.Of(Given.Cluster(nodes, objects).After(fewer), rebalance: true);
        Assert.Equal(["40"], again.Counts(nodes).Split('/').Distinct());
        Assert.Equal(80, again.Objects.Sum(source => source.Moves.Length));
    }

    private static int Placed(Assignment made) => made.Objects.Sum(source => source.Items.Length);

    private static long Squares(Assignment made) =>
        made.Objects.SelectMany(source => source.Items).GroupBy(item => item.Node).Sum(group => (long)group.Count() * group.Count());

    private static string Items(Assignment made) => string.Join('|', made.Objects.Select(source => source.Items()));

    /// <summary>The rules that an assignment breaks.</summary>
    private static string Broken(Cluster cluster, Assignment made, SlowAssigner? stays)
    {
        var faults = new List<string>();
        (string Object, AssignedAddress Item)[] all =
            [.. made.Objects.SelectMany(source => source.Items.Select(item => (source.Name, item)))];
        HashSet<StatusItem> old = [.. cluster.EgressIPs.SelectMany(source => source.Items)];
        foreach (ObjectAssignment source in made.Objects)
        {
            EgressIP spec = cluster.EgressIPs.Single(one => one.Name == source.Name);
            Check(source.Items.DistinctBy(item => item.Node).Count() == source.Items.Length, $"{source.Name} has two addresses on a node");
            Check(source.Items.Length + source.Unassigned.Length == spec.EgressIPs.Length, $"{source.Name} does not tell of all addresses");
            int[] order = [.. source.Items.Select(item => spec.EgressIPs.IndexOf(item.EgressIP))];
            Check(order.Order().SequenceEqual(order), "items are not in the order of the spec");
            Check(source.Unassigned.All(address => address.Nodes.Length == cluster.Nodes.Length), "a node has no reason");
        }

        Check(all.DistinctBy(one => one.Item.EgressIP).Count() == all.Length, "an address is on two nodes");
        Check(
            all.All(one => cluster.Nodes.Any(node => node.Name == one.Item.Node && SlowAssigner.CanHold(cluster, node, one.Item.EgressIP))),
            "a node has an address that it may not hold");
        foreach ((string name, string address, string node) in stays?.Staying ?? [])
        {
            Check(
                all.Any(one => (one.Object, one.Item.EgressIP, one.Item.Node) == (name, address, node)),
                $"{address} of {name} left {node}");
        }

        // A node is above its capacity only by what it had before.
        foreach (Node node in cluster.Nodes)
        {
            AssignedAddress[] on = [.. all.Select(one => one.Item).Where(item => item.Node == node.Name)];
            CheckCapacity(node.Capacity?.IP, on);
            CheckCapacity(node.Capacity?.IPv4, [.. on.Where(item => !item.EgressIP.Contains(':'))]);
            CheckCapacity(node.Capacity?.IPv6, [.. on.Where(item => item.EgressIP.Contains(':'))]);
        }

        return string.Join('\n', faults);

        void CheckCapacity(int? capacity, AssignedAddress[] on) => Check(
            !(on.Length > capacity) || on.All(item => old.Contains(new StatusItem(item.EgressIP, item.Node))),
            "a node holds more than it can");

        void Check(bool isKept, string rule)
        {
            if (!isKept)
            {
                faults.Add(rule);
            }
        }
    }
}
