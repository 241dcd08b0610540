using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Netlink;

namespace SystemTests.Clients;

/// <summary>A client that sends from one port all the time is redirected as soon as its port has a destination.</summary>
public class EarlierConnectionTests
{
    private const int Port = 53;

    private static readonly string _without = With("54 udp 192.168.12.92", "54 udp 2001:db8:12::92");

    public static TheoryData<string, string, string> Destinations() => new()
    {
        { Lab.PodAddress, "53 udp 192.168.12.91", "192.168.12.99 192.168.12.91 53" },
        { Lab.PodAddress, "50-60 udp 192.168.12.91", "192.168.12.99 192.168.12.91 53" },
        { Lab.PodAddress, "192.168.12.91", "192.168.12.99 192.168.12.91 53" },
        { Lab.PodAddress6, "53 udp 2001:db8:12::91", "2001:db8:12::99 2001:db8:12::91 53" },
        { Lab.PodAddress6, "2001:db8:12::91", "2001:db8:12::99 2001:db8:12::91 53" },
    };

    [RootTheory]
    [MemberData(nameof(Destinations))]
    public void Once_repair_adds_a_destination(string address, string destination, string expected)
    {
        using Lab lab = Prepare();
        lab.Add(_without);
        using Socket client = Unanswered(lab, address);
        CommandResult repaired = Tools.Tool.OnPod(lab, With(destination), "repair");
        Assert.True(repaired.ExitCode == 0, repaired.ToString());
        Assert.Equal(expected, Ask(client));
    }

    /// <summary>Something in the pod tracks connections already: a service mesh, or a network policy.</summary>
    [RootTheory]
    [MemberData(nameof(Destinations))]
    public void Once_ADD_makes_the_router(string address, string destination, string expected)
    {
        using Lab lab = Prepare();
        Lab.In(
            lab.Pod, "nft",
            "add table inet other; add chain inet other input { type filter hook input priority 0; }; add rule inet other input ct state new counter");
        using Socket client = Unanswered(lab, address);
        lab.Add(With(destination));
        Assert.Equal(expected, Ask(client));
    }

    /// <summary>Its client would go on to talk to the server in the pod, also when it connects again from the same port.</summary>
    [RootTheory]
    [InlineData(Lab.PodAddress, "8080 tcp 192.168.12.91")]
    [InlineData(Lab.PodAddress6, "8080 tcp 2001:db8:12::91")]
    public void A_TCP_connection_to_a_server_in_the_pod_is_forgotten_too(string address, string destination)
    {
        using Lab lab = Prepare();
        lab.Add(_without);
        using NetNamespace pod = NetNamespace.Open(Lab.PathOf(lab.Pod));
        using Socket listener = pod.Run(() => new Socket(IPAddress.Parse(address).AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Parse(address), 8080));
        listener.Listen();
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(lab.Client));
        using Socket client = space.Run(() => new Socket(IPAddress.Parse(address).AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        client.Connect(IPAddress.Parse(address), 8080);
        Assert.Contains(ConnectionTests.Connections(lab), connection => connection.Original.DestinationPort == 8080);
        CommandResult repaired = Tools.Tool.OnPod(lab, With(destination), "repair");
        Assert.True(repaired.ExitCode == 0, repaired.ToString());
        Assert.DoesNotContain(ConnectionTests.Connections(lab), connection => connection.Original.DestinationPort == 8080);
    }

    /// <summary>What the pod asks others, what it asks itself, and what came from outside, has nothing to do with it.</summary>
    [RootFact]
    public void Other_connections_are_not_forgotten()
    {
        using Lab lab = Prepare();
        lab.ServeIn(lab.Client, Protocol.Udp, "10.129.2.1", Port);
        lab.ServeIn(lab.Pod, Protocol.Udp, Lab.PodAddress, 77);
        string open = Config.Changed(_without, json => json["inbound"] = "allow");
        lab.Add(open);
        lab.ServeIn(lab.Pod, Protocol.Udp, "192.168.12.99", Port);
        Assert.NotNull(Lab.Ask(lab.Pod, Protocol.Udp, "10.129.2.1", Port));
        Assert.NotNull(Lab.Ask(lab.Pod, Protocol.Udp, Lab.PodAddress, 77));
        Assert.NotNull(Lab.Ask(lab.Lan, Protocol.Udp, "192.168.12.99", Port, "192.168.12.91"));
        string before = Tracked(lab);
        Assert.Equal(3, before.Split('\n').Length);
        CommandResult repaired = Tools.Tool.OnPod(
            lab, Config.Changed(open, json => json["ip"]!["destinations"] = new JsonArray("192.168.12.91")), "repair");
        Assert.True(repaired.ExitCode == 0, repaired.ToString());
        Assert.Equal(before, Tracked(lab));
    }

    private static Lab Prepare()
    {
        var lab = new Lab();
        lab.Serve(Protocol.Udp, "192.168.12.91", Port);
        lab.Serve(Protocol.Udp, "2001:db8:12::91", Port);
        return lab;
    }

    private static string With(params string[] destinations) =>
        Config.ChangedDualStack(json =>
        {
            json["ip"]!["addresses"] = new JsonArray("192.168.12.99/24", "2001:db8:12::99/64");
            json["ip"]!["destinations"] = new JsonArray([.. destinations.Select(text => (JsonNode)text)]);
            json["ip"]!.AsObject().Remove("fallbackIP");
        });

    /// <summary>A client that has sent, and got no answer: its connection is tracked, and leads to the pod itself.</summary>
    private static Socket Unanswered(Lab lab, string address)
    {
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(lab.Client));
        Socket client = space.Run(() => new Socket(IPAddress.Parse(address).AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        client.ReceiveTimeout = 500;
        client.Connect(IPAddress.Parse(address), Port);
        client.Send("early"u8);
        Assert.Throws<SocketException>(() => client.Receive(new byte[64]));
        Assert.Contains(ConnectionTests.Connections(lab), connection => connection.Original.DestinationPort == Port);
        return client;
    }

    private static string Ask(Socket client)
    {
        var buffer = new byte[512];
        for (int attempt = 0; attempt < 6; attempt++)
        {
            try
            {
                client.Send("again"u8);
                return Encoding.ASCII.GetString(buffer, 0, client.Receive(buffer));
            }
            catch (SocketException)
            {
                // Refused by the pod, or lost.
            }
        }

        return "no answer";
    }

    /// <summary>The tracked UDP connections, a line each.</summary>
    private static string Tracked(Lab lab) => string.Join('\n', ConnectionTests.Connections(lab)
        .Where(
            connection => connection.Original.Protocol == (byte)ProtocolType.Udp).Select(connection => connection.Original.ToString())
                .Order(StringComparer.Ordinal));
}
