using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Netlink;
using Netlink.Routing;

namespace SystemTests;

/// <summary>The library's VXLAN link and routes into tunnels, as this kernel, ip(8) and packets see them.</summary>
public class TunnelTests
{
    private const string Name = "egress0";
    private const int Mtu = 1464;
    private const uint Table = 7101;

    [RootFact]
    public void A_vxlan_is_made_and_read_back() => NetNamespace.RunInNew(() =>
    {
        using NetlinkSocket socket = NetlinkSocket.OpenRoute();
        Link link = Make(socket);
        Assert.Equal(
            (new Vxlan(4790), Mtu, true, false, null),
            (link.Kind, link.Mtu, link.IsUp, link.HasNeighbors, link.HardwareAddress));
        JsonNode shown = JsonNode.Parse(Command.Must("ip", ["-json", "-details", "link", "show", Name]))![0]!;
        JsonNode data = shown["linkinfo"]!["info_data"]!;
        Assert.Equal((4790, true, true), ((int)data["port"]!, (bool)data["external"]!, (bool)data["gpe"]!));
        Assert.Equal("[vxlan on UDP port 4790]", $"[{string.Join(", ", socket.ListLinks(Vxlan.KindName).Select(found => found.Kind))}]");

        var batch = new RequestBatch();
        batch.ChangeLink("lower the MTU", link.Index, new LinkSettings { Mtu = 1400, IsUp = false });
        socket.Execute(batch);
        link = socket.GetLink(Name)!;
        Assert.Equal((1400, false), (link.Mtu, link.IsUp));
    });

    [RootFact]
    public void A_vxlan_of_another_mode_is_another_kind() => NetNamespace.RunInNew(() =>
    {
        Command.Must("ip", ["link", "add", Name, "type", "vxlan", "id", "5", "dstport", "4790"]);
        using NetlinkSocket socket = NetlinkSocket.OpenRoute();
        Assert.Equal(new OtherKind("vxlan"), socket.GetLink(Name)!.Kind);
    });

    [RootFact]
    public void The_port_of_another_socket_is_refused() => NetNamespace.RunInNew(() =>
    {
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        other.Bind(new IPEndPoint(IPAddress.Any, 4790));
        using NetlinkSocket socket = NetlinkSocket.OpenRoute();
        NetlinkException refused = Assert.Throws<NetlinkException>(() => Make(socket));
        Assert.Equal(98 /* EADDRINUSE */, refused.Number);
    });

    [RootFact]
    public void Routes_of_both_families_into_tunnels_of_both_families_are_read_back() => NetNamespace.RunInNew(() =>
    {
        using NetlinkSocket socket = NetlinkSocket.OpenRoute();
        int link = Make(socket).Index;
        IPAddress outer4 = IPAddress.Parse("192.0.2.12");
        IPAddress outer6 = IPAddress.Parse("fd00:2::12");
        Route[] wanted =
        [
            RouteTo("10.244.1.2/32", link, new IpTunnel(77, outer4, 64)),
            RouteTo("10.244.1.3/32", link, new IpTunnel(77, outer6, 64, IPAddress.Parse("fd00:2::11"))),
            RouteTo("fd00:244::2/128", link, new IpTunnel(78, outer4, 64, IPAddress.Parse("192.0.2.11"))),
            RouteTo("fd00:244::3/128", link, new IpTunnel(0xffffff, outer6, 1)),
        ];
        var batch = new RequestBatch();
        Array.ForEach(wanted, route => batch.AddRoute(route, route));
        socket.Execute(batch);
        Assert.Equal(wanted.Select(Text).Order(), Routes(socket).Select(Text).Order());
        Assert.Contains(
            "encap ip id 77 src 0.0.0.0 dst 192.0.2.12 ttl 64",
            Command.Must("ip", ["route", "show", "table", $"{Table}", "10.244.1.2"]), StringComparison.Ordinal);
    });

    /// <summary>Behind the route into the tunnel, one of a worse metric refuses packets while the link is gone.</summary>
    [RootFact]
    public void A_route_is_replaced_in_place_and_an_unreachable_one_takes_over() => NetNamespace.RunInNew(() =>
    {
        using NetlinkSocket socket = NetlinkSocket.OpenRoute();
        int link = Make(socket).Index;
        foreach (string network in (string[])["0.0.0.0/0", "::/0"])
        {
            var batch = new RequestBatch();
            Route first = RouteTo(network, link, new IpTunnel(77, IPAddress.Parse("192.0.2.12"), 64)) with { Priority = 5 };
            Route second = first with { OtherAttributes = new IpTunnel(77, IPAddress.Parse("192.0.2.13"), 64).ToAttributes() };
            Route refusing = RouteTo(network, null, null) with { Type = RouteType.Unreachable, Priority = 6 };
            batch.AddRoute(first, first);
            batch.AddRoute(refusing, refusing);
            batch.ReplaceRoute(second, second);
            socket.Execute(batch);
            Assert.Equal(
                new[] { second, refusing }.Select(Text), Routes(socket).Where(route => route.Family == first.Family).Select(Text));
        }

        var end = new RequestBatch();
        end.DeleteLink("delete the link", link);
        socket.Execute(end);
        Assert.Equal([RouteType.Unreachable, RouteType.Unreachable], Routes(socket).Select(route => route.Type));
    });

    /// <summary>The node's own address is in no network of the lan: answers come by the tunnel too.</summary>
    [RootFact]
    public void Packets_of_both_families_go_through_the_tunnel_and_back()
    {
        using var lab = new Lab(bare: true);
        Lab.Batch(lab.Node, "address add 10.244.1.2/32 dev lo\naddress add fd00:244::2/128 dev lo nodad");
        MakeEnd(lab.Node, "192.168.12.1", ("203.0.113.25/32", "10.244.1.2"), ("2001:db8:113::25/128", "fd00:244::2"));
        MakeEnd(lab.Lan, "192.168.12.10", ("10.244.1.2/32", null), ("fd00:244::2/128", null));
        (string, string)[] pairs = [("203.0.113.25", "10.244.1.2"), ("2001:db8:113::25", "fd00:244::2")];
        foreach ((string server, string client) in pairs)
        {
            lab.Serve(Protocol.Tcp, server, 80);
            Assert.Equal(client, Lab.Ask(lab.Node, Protocol.Tcp, server, 80)?.Source);
        }

        JsonNode counted = JsonNode.Parse(Lab.In(lab.Lan, "ip", "-json", "-stats", "link", "show", Name))![0]!["stats64"]!;
        Assert.True((long)counted["rx"]!["packets"]! >= 8 && (long)counted["tx"]!["packets"]! >= 6, counted.ToJsonString());
    }

    private static void MakeEnd(string name, string other, params (string Network, string? Source)[] routes)
    {
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(name));
        space.Run(() =>
        {
            using NetlinkSocket socket = NetlinkSocket.OpenRoute();
            int link = Make(socket).Index;
            var batch = new RequestBatch();
            foreach ((string network, string? source) in routes)
            {
                Route route = RouteTo(network, link, new IpTunnel(77, IPAddress.Parse(other), 64)) with
                {
                    Table = Route.MainTable,
                    PreferredSource = source is null ? null : IPAddress.Parse(source),
                };
                batch.AddRoute(route, route);
            }

            socket.Execute(batch);
            // The routes back do not lead to the link of the packets that came.
            File.WriteAllText($"/proc/sys/net/ipv4/conf/{Name}/rp_filter", "0");
            File.WriteAllText("/proc/sys/net/ipv4/conf/all/rp_filter", "0");
        });
    }

    private static Link Make(NetlinkSocket socket)
    {
        var batch = new RequestBatch();
        batch.CreateLink("make the link", new LinkRequest(Name, new Vxlan(4790), null, new LinkSettings { Mtu = Mtu }, null));
        socket.Execute(batch);
        batch = new RequestBatch();
        batch.ChangeLink("switch the link on", socket.GetLink(Name)!.Index, new LinkSettings { IsUp = true });
        socket.Execute(batch);
        return socket.GetLink(Name)!;
    }

    private static Route RouteTo(string network, int? link, IpTunnel? tunnel)
    {
        IPNetwork destination = IPNetwork.Parse(network);
        bool isDefault = destination.PrefixLength == 0;
        return new Route
        {
            Family = destination.BaseAddress.AddressFamily,
            Destination = isDefault ? null : destination.BaseAddress,
            PrefixLength = destination.PrefixLength,
            OutputInterface = link,
            Table = Table,
            Scope = link is not null && destination.BaseAddress.AddressFamily == AddressFamily.InterNetwork
                ? RouteScope.Link : RouteScope.Universe,
            OtherAttributes = tunnel?.ToAttributes() ?? default,
        };
    }

    private static IReadOnlyList<Route> Routes(NetlinkSocket socket) => socket.ListRoutes(route => route.Table == Table);

    /// <summary>The kernel gives IPv6 routes a metric of 1024 if they have none, and a link to routes that drop packets.</summary>
    private static string Text(Route route) =>
        $"{route.Type} {route.Destination}/{route.PrefixLength} metric {(route.Priority == 1024 ? 0 : route.Priority)} {route.Tunnel()}"
        + $" by {(route.Type == RouteType.Unreachable ? null : route.OutputInterface)}";
}
