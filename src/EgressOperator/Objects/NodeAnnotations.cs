using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using EgressIp;

namespace EgressOperator.Objects;

/// <summary>What the annotations of OVN-Kubernetes and of OpenShift's clouds say about a node.</summary>
internal sealed class NodeAnnotations(KubernetesObject node)
{
    /// <summary>How many addresses the cloud gives the node; null: any number.</summary>
    public Capacity? Capacity()
    {
        Field? capacity = Cloud()?["capacity"];
        return capacity is null ? null : new Capacity(capacity["ip"].Count(), capacity["ipv4"].Count(), capacity["ipv6"].Count());
    }

    /// <summary>Egress addresses that OVN-Kubernetes has put on links of the node.</summary>
    public ImmutableArray<IPAddress> Held() =>
        [.. ((string[])["k8s.ovn.org/bridge-egress-ips", "k8s.ovn.org/secondary-host-egress-ips"])
            .SelectMany(key => node.Annotation(key).Json().Items()).Select(address => address.Address())];

    /// <summary>
    /// The primary network, which a cloud tells in an annotation of its own, and on bare metal the networks of all other addresses.
    /// </summary>
    public ImmutableArray<NodeNetwork> Networks()
    {
        Field? cloud = Cloud();
        NodeNetwork[] primary = cloud is null
            ? [.. Families(node.Annotation("k8s.ovn.org/node-primary-ifaddr").Json(), "")]
            : [.. Families(cloud["ifaddr"], cloud["interface"].Text() ?? "").Select(WithoutBase)];
        ImmutableArray<IPAddress> held = Held();
        NodeNetwork[] others = [.. HostNetworks()
            .Select(host => cloud is null ? host : Alone(host.Addresses[0]))

            // An egress address of the node: neither an address of its own nor a network.
            .Where(host => !(IsAlone(host) && held.Contains(host.Addresses[0])))];
        IPAddress[] gateways = [.. Gateways()];
        return [.. primary.Concat(others).Select(
            network => network with { Gateways = [.. gateways.Where(gateway => network.Cidr.Contains(gateway))] })];
    }

    /// <summary>Of several links, OVN-Kubernetes uses the first.</summary>
    private Field? Cloud() => node.Annotation("cloud.network.openshift.io/egress-ipconfig").Json().Items().FirstOrDefault();

    private static IEnumerable<NodeNetwork> Families(Field addresses, string link) =>
        ((string[])["ipv4", "ipv6"]).Select(family => addresses[family]).Where(address => address.Text() is { Length: > 0 })
            .Select(address => NodeReader.NetworkOf(link, address));

    /// <summary>All addresses of the node. Old releases tell them without their lengths.</summary>
    private IEnumerable<NodeNetwork> HostNetworks()
    {
        Field cidrs = node.Annotation("k8s.ovn.org/host-cidrs").Json();
        return !cidrs.IsMissing
            ? cidrs.Items().Select(cidr => NodeReader.NetworkOf("", cidr))
            : node.Annotation("k8s.ovn.org/host-addresses").Json().Items().Select(address => Alone(address.Address()));
    }

    private IEnumerable<IPAddress> Gateways() =>
        node.Annotation("k8s.ovn.org/l3-gateway-config").Json().Members().SelectMany(
            bridge => bridge.Value["next-hops"].Items().Append(bridge.Value["next-hop"])
                .Where(gateway => gateway.Text() is { Length: > 0 }).Select(gateway => gateway.Address()));

    /// <summary>Clouds tell the network, not the node's address in it.</summary>
    private static NodeNetwork WithoutBase(NodeNetwork network) =>
        network with { Addresses = network.Addresses.Remove(network.Cidr.BaseAddress) };

    private static NodeNetwork Alone(IPAddress address) => new("", new IPNetwork(address, Bits(address)), [address], []);

    private static bool IsAlone(NodeNetwork network) => network.Cidr.PrefixLength == Bits(network.Cidr.BaseAddress);

    private static int Bits(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
}
