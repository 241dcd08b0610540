using System.Net;
using System.Net.Sockets;
using Netlink;
using Netlink.NetFilter;
using Netlink.Wire;

namespace SystemTests;

/// <summary>Sets and maps of ranges, as this kernel, nft(8) and packets see them.</summary>
public class RangeTests
{
    private const string Name = "ranges";

    private static readonly Map _inside4 = new("inside4", [SetDataType.IPv4Address], [], IsInterval: true, [
        Range("0.0.0.0", "0.255.255.255"), Range("10.0.0.0", "10.255.255.255"), Range("11.0.0.0", "11.255.255.255"),
        Range("127.0.0.11", "127.0.0.13"), Range("203.0.113.7", "203.0.113.7"), Range("224.0.0.0", "255.255.255.255")]);

    private static readonly Map _inside6 = new("inside6", [SetDataType.IPv6Address], [], IsInterval: true, [
        Range("fd00:2::11", "fd00:2::13"), Range("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]);

    private static readonly Map _nodes = new("nodes", [SetDataType.IPv4Address], [SetDataType.Verdict], IsInterval: true, [
        Range("10.244.1.0", "10.244.1.255") with { Decision = new Decision(Verdict.Goto, "drops") },
        Range("10.244.2.0", "10.244.2.255") with { Decision = new Decision(Verdict.Accept) }]);

    private static readonly Table _table = new(
        TableFamily.Inet,
        Name,
        [new Chain("input", new BaseChain("filter", NetFilterHook.LocalIn, 0)), new Chain("drops")],
        [
            new Rule("input", [
                new MetaExpression(MetaKey.NetworkProtocol, Register.R1),
                new CmpExpression(Register.R1, new Bytes([2])),
                new PayloadExpression(PayloadBase.NetworkHeader, 12, 4, Register.R1),
                new LookupExpression("inside4", Register.R1),
                new ImmediateExpression(Verdict.Jump, "drops")]),
            new Rule("drops", [new ImmediateExpression(Verdict.Drop)]),
        ],
        [_inside4, _inside6, _nodes]);

    [RootFact]
    public void Ranges_are_read_back_as_they_were_made() => NetNamespace.RunInNew(() =>
    {
        using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
        socket.CreateTable(_table);
        Table read = socket.ReadTable(TableFamily.Inet, Name);
        Assert.Equal(_table.Maps.ToHashSet(), read.Maps.ToHashSet());
        string shown = Command.Must("nft", ["list", "table", "inet", Name]);
        Assert.All(
            ["10.0.0.0/8 ", "127.0.0.11-127.0.0.13 ", "203.0.113.7 ", "224.0.0.0/3 ", "fd00:2::11-fd00:2::13 ", "ff00::/8 "],
            range => Assert.Contains(range, shown, StringComparison.Ordinal));

        Command.Must("nft", ["add", "element", "inet", Name, "inside6", "{ fd00:3::/64 }"]);
        Assert.Equal(
            _inside6 with { Elements = _inside6.Elements.Add(Range("fd00:3::", "fd00:3::ffff:ffff:ffff:ffff")) },
            socket.ReadMap(TableFamily.Inet, Name, "inside6"));
    });

    [RootFact]
    public void A_range_has_both_of_its_ends() => NetNamespace.RunInNew(() =>
    {
        Command.Must("ip", ["link", "set", "lo", "up"]);
        using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
        socket.CreateTable(_table);
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 2_000 };
        server.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        byte[] hosts = [10, 11, 12, 13, 14];
        foreach (byte host in hosts)
        {
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            client.Bind(new IPEndPoint(new IPAddress([127, 0, 0, host]), 0));
            client.SendTo([host], server.LocalEndPoint!);
        }

        byte[] arrived = new byte[2];
        Assert.Equal(2, server.Receive(arrived, 0, 1, SocketFlags.None) + server.Receive(arrived, 1, 1, SocketFlags.None));
        Assert.Equal([10, 14], arrived);
        Assert.Equal(0, server.Available);
        Map counted = socket.ReadMap(TableFamily.Inet, Name, "inside4")!;
        Assert.Equal([3u], counted.Elements.Select(element => element.Counted.Packets).Where(packets => packets > 0));
    });

    /// <summary>Ranges come, go, grow, shrink and touch each other, in one batch each time.</summary>
    [RootFact]
    public void Any_ranges_become_any_other_ranges() => NetNamespace.RunInNew(() =>
    {
        var random = new Random(20261128);
        using NetlinkSocket socket = NetlinkSocket.OpenNetFilter();
        Table table = _table with { Rules = [], Maps = [RandomPorts(random)] };
        socket.CreateTable(table);
        for (int round = 0; round < 300; round++)
        {
            Table wanted = table with { Maps = [RandomPorts(random)] };
            socket.UpdateTable(wanted, table);
            Assert.Equal(wanted.Maps[0], socket.ReadMap(TableFamily.Inet, Name, "ports"));
            table = wanted;
        }
    });

    /// <summary>Disjoint ranges of the ports 0 to 23 and 65512 to 65535.</summary>
    private static Map RandomPorts(Random random)
    {
        ushort[] ports = [.. Enumerable.Range(0, 24).Concat(Enumerable.Range(65512, 24)).Select(port => (ushort)port)];
        var elements = new List<MapElement>();
        for (int next = random.Next(4); next < ports.Length; next += 1 + random.Next(4))
        {
            ushort first = ports[next];
            next = Math.Min(next + random.Next(4), ports.Length - 1);
            elements.Add(new MapElement(PortBytes(first), PortBytes(ports[next]), default));
        }

        return new Map("ports", [SetDataType.Port], [], IsInterval: true, [.. elements]);
    }

    private static Bytes PortBytes(ushort port) => new([(byte)(port >> 8), (byte)port]);

    private static MapElement Range(string first, string last) =>
        new(new Bytes(IPAddress.Parse(first).GetAddressBytes()), new Bytes(IPAddress.Parse(last).GetAddressBytes()), default);
}
