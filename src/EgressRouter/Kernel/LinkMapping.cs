using EgressRouter.Config;
using EgressRouter.State;
using Netlink;
using Netlink.Routing;

namespace EgressRouter.Kernel;

/// <summary>The egress interface between the kernel's terms and ours.</summary>
internal static class LinkMapping
{
    public static LinkState FromKernel(this Link link) => new(
        link.Name, link.Kind, ModeOf(link), ParentOf(link), link.Mtu, link.IsUp, link.Group, link.HardwareAddress);

    /// <summary>Writes the request that makes the link, down, in the pod's namespace.</summary>
    public static void WriteTo(this LinkState link, RequestBatch batch, string operation, int pod)
    {
        int parent = link.Parent!.Index;
        InterfaceMode mode = link.Mode!.Value;
        if (mode.Type() == InterfaceType.Macvlan)
        {
            batch.CreateMacvlan(operation, new MacvlanRequest(link.Name, parent, (MacvlanLinkMode)mode, link.Mtu, link.Group, pod));
        }
        else
        {
            batch.CreateIpvlan(operation, new IpvlanRequest(link.Name, parent, (IpvlanLinkMode)(mode - InterfaceMode.L2), link.Mtu, link.Group, pod));
        }
    }

    /// <summary>The refusal with what the kernel leaves unsaid; null where it says enough.</summary>
    public static string? WhyRefused(this LinkState link, NetlinkException refused) => refused switch
    {
        { Number: Errno.EOPNOTSUPP } => $"{link.Kind} is not in this kernel",
        { Number: Errno.EBUSY } =>
            $"the parent is in use by something that takes all it receives, such as a bridge, a bond or {(link.Kind == "ipvlan" ? "a macvlan" : "an ipvlan")}: no {link.Kind} can stand on it",
        { Number: Errno.EINVAL, KernelText: null } when link.Kind == "ipvlan" => "the parent takes no ipvlan, being no Ethernet link",
        { Number: Errno.EINVAL, KernelText: null } =>
            $"the parent takes no macvlan of mode {link.Mode}: either none at all, being no Ethernet link, or a macvlan of mode passthru is or would be beside others",
        _ => null,
    };

    private static ParentLink? ParentOf(Link link) =>
        link is { ParentElsewhere: true, ParentIndex: int parent } ? new ParentLink(parent, null) : null;

    private static InterfaceMode? ModeOf(Link link) =>
        link.MacvlanMode is MacvlanLinkMode macvlan ? (InterfaceMode)macvlan
        : link.IpvlanMode is IpvlanLinkMode ipvlan ? InterfaceMode.L2 + (int)ipvlan
        : null;
}
