using Shared;

namespace SystemTests.Clients;

/// <summary>Another network between the lab's client and its pod: a veth pair, <c>pod1</c> in the client.</summary>
internal static class SecondNetwork
{
    public const string PodAddress = "10.88.0.31";

    public const string PodAddress6 = "fd00:10:88::31";

    /// <summary>An address of the client that no route of the pod leads to.</summary>
    public const string FarClient = "10.130.0.88";

    public const string FarClient6 = "fd00:10:130::88";

    /// <summary>Attaches the pod to it.</summary>
    /// <param name="lab">The lab.</param>
    /// <param name="link">The name of the interface in the pod.</param>
    /// <param name="mtu">Its MTU, in bytes.</param>
    public static void Attach(Lab lab, string link = "eth1", int mtu = 1500)
    {
        Lab.Batch(lab.Pod, $"""
            link add {link} mtu {mtu} type veth peer name pod1 mtu {mtu} netns {lab.Client}
            address add {PodAddress}/24 dev {link}
            address add {PodAddress6}/64 dev {link} nodad
            link set {link} up
            """);
        Lab.Batch(lab.Client, $"""
            address add 10.88.0.1/24 dev pod1
            address add fd00:10:88::1/64 dev pod1 nodad
            address add {FarClient}/32 dev lo
            address add {FarClient6}/128 dev lo nodad
            link set pod1 up
            """);
        // The carrier of a veth comes by work of the kernel's own.
        Eventually.IsTrue(
            () => Lab.In(lab.Pod, "ip", "-br", "link", "show", "dev", link).Contains(",LOWER_UP", StringComparison.Ordinal)
                && !Lab.In(lab.Pod, "ip", "-br", "link", "show", "dev", link).Contains("NO-CARRIER", StringComparison.Ordinal),
            $"{link} has no carrier");
    }

    /// <summary>The documented servers, which answer with what they see.</summary>
    public static void Serve(Lab lab)
    {
        foreach (string address in (string[])["192.168.12.91", "2001:db8:12::91"])
        {
            lab.Serve(Protocol.Tcp, address, 80);
            lab.Serve(Protocol.Udp, address, 80);
        }
    }

    /// <summary>Clients of both protocols, by the pod's address of either family, are redirected.</summary>
    public static void AssertRedirects(Lab lab, string address, string? source = null)
    {
        Arrival expected = address.Contains(':', StringComparison.Ordinal)
            ? new Arrival("2001:db8:12::99", "2001:db8:12::91", 80) : new Arrival("192.168.12.99", "192.168.12.91", 80);
        foreach (Protocol protocol in (Protocol[])[Protocol.Tcp, Protocol.Udp])
        {
            Assert.Equal(expected, lab.Connect(protocol, 80, address, source));
        }
    }
}
