using System.Globalization;
using EgressRouter.State;
using Netlink;
using Netlink.NetFilter;
using Shared;

namespace SystemTests.Tools;

/// <summary>Destinations come and go beside those that have a thousand connections a second.</summary>
public class RepairUnderTrafficTests
{
    private const int Rate = 1000;

    private const int Kept = 16;

    private static readonly string _few = Config.With("80 tcp 192.168.12.91", "53 udp 192.168.12.91", "54 udp 192.168.12.92");

    private static readonly string _many =
        Config.With([.. Enumerable.Range(1000, 200).Select(port => $"{port} udp 192.168.12.92"), "80 tcp 192.168.12.91", "192.168.12.92"]);

    /// <summary>None has to knock twice, none is lost, and those that were there before live on.</summary>
    [RootFact]
    public void Connections_to_a_kept_destination_go_on_while_others_change()
    {
        using var lab = new Lab();
        lab.Add(_few);
        int repairs = 0;
        string counts = UnderTraffic(lab, () =>
        {
            CommandResult repair = Tool.OnPod(lab, repairs++ % 2 == 0 ? _many : _few, "repair");
            Assert.True(repair.ExitCode == 0 && repair.Stdout.StartsWith("repaired\n", StringComparison.Ordinal), repair.ToString());
        });
        AssertUndisturbed($"{repairs} repairs", counts);
        Assert.True(repairs >= 4, $"{repairs} repairs");
    }

    /// <summary>Change after change with nothing between them: what a change in a thousand loses is seen here.</summary>
    [RootTheory]
    [InlineData("80 tcp 192.168.12.91", "53 udp 192.168.12.91")]
    [InlineData("80-81 tcp 192.168.12.91", "9000-9100 udp 192.168.12.91")]
    [InlineData("80 tcp 192.168.12.91", "81 tcp 192.168.12.92", "192.168.12.92")]
    [InlineData("80-81 tcp 192.168.12.91", "81 udp 192.168.12.92", "192.168.12.92")]
    public void Connections_go_on_through_thousands_of_changes(string kept, params string[] others)
    {
        using var lab = new Lab();
        lab.Add(Config.With(kept));
        Table few = ReadTable(lab);
        CommandResult repair = Tool.OnPod(lab, Config.With([kept, .. others]), "repair");
        Assert.True(repair.ExitCode == 0, repair.ToString());
        Table many = ReadTable(lab);
        ChangeAllTheTime(lab, few, many, string.Join(", ", others));
    }

    /// <summary>Maps without room for one more: each time that one grows, it is made anew.</summary>
    [RootFact]
    public void Connections_go_on_while_maps_are_made_anew()
    {
        using var lab = new Lab();
        lab.Add(Config.With("80 tcp 192.168.12.91"));
        Table few = ReadTable(lab);
        few = few with { Maps = [.. few.Maps.Select(map => map with { Size = 1 })] };
        CommandResult repair = Tool.OnPod(lab, Config.With("80 tcp 192.168.12.91", "81 tcp 192.168.12.92"), "repair");
        Assert.True(repair.ExitCode == 0, repair.ToString());
        ChangeAllTheTime(lab, few, ReadTable(lab), "maps that are full");
    }

    private static void ChangeAllTheTime(Lab lab, Table few, Table many, string what)
    {
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(lab.Pod));
        using NetlinkSocket socket = space.Run(() => NetlinkSocket.OpenNetFilter());
        int changes = 0;
        string counts = UnderTraffic(lab, () =>
        {
            (Table wanted, Table observed) = changes++ % 2 == 0 ? (few, many) : (many, few);
            socket.UpdateTable(wanted, observed);
        });
        AssertUndisturbed($"{changes} changes of {what}", counts);
        Assert.True(changes >= 100, $"{changes} changes");
    }

    /// <summary>What connections.c has to say, when the changes go on for as long as it runs.</summary>
    private static string UnderTraffic(Lab lab, Action change)
    {
        using var server = new BackgroundProcess(lab.Lan, Tool.Connections, "serve", "192.168.12.91", "80");
        server.WaitUntil(() => Lab.In(lab.Lan, "ss", "-Hltn").Length > 0);
        Task<string> traffic = Task.Run(() => Lab.In(lab.Client, Tool.Connections, "ask", Lab.PodAddress, "80", Text(Rate), "6000",
            Text(Kept)));
        while (!traffic.IsCompleted)
        {
            change();
        }

        return traffic.GetAwaiter().GetResult();
    }

    private static void AssertUndisturbed(string changes, string line)
    {
        long[] counts = [.. line.Split(' ').Select(word => long.Parse(word, CultureInfo.InvariantCulture))];
        Assert.True(counts is [_, _, _, _, _, _], "connections.c has another line");
        string seen = string.Create(
            CultureInfo.InvariantCulture,
            $"under traffic, {changes}: {counts[0]} connections in 6 s, {counts[1]} lost, {counts[2]} SYNs sent again, the slowest took {counts[3] / 1000.0:F0} ms; {counts[4]} of {Kept} kept ones broke, {counts[5]} bytes through them");
        Figures.Note(seen);
        Assert.True(counts is [> 0, 0, 0, _, 0, > Kept], seen);
    }

    private static Table ReadTable(Lab lab)
    {
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(lab.Pod));
        return space.Run(() =>
        {
            using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
            return socket.ReadTable(TableFamily.Inet, new AttachmentNames("net1").NetFilterTable);
        });
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
