namespace EgressRouter.Config;

/// <summary>
/// How the egress interface uses its parent (<c>interfaceArgs.mode</c>). Each mode belongs to one
/// <see cref="InterfaceType"/>. The values are the kernel's (if_link.h), with those of ipvlan raised by <see cref="L2"/>.
/// </summary>
public enum InterfaceMode
{
    /// <summary>MACVLAN_MODE_PRIVATE: macvlans of one parent never see each other.</summary>
    Private = 1,

    /// <summary>MACVLAN_MODE_VEPA: macvlans of one parent see each other by way of the switch, which has to reflect.</summary>
    Vepa = 2,

    /// <summary>MACVLAN_MODE_BRIDGE: macvlans of one parent see each other directly. The default of macvlan.</summary>
    Bridge = 4,

    /// <summary>MACVLAN_MODE_PASSTHRU: there is one macvlan, with the parent for itself.</summary>
    Passthru = 8,

    /// <summary>IPVLAN_MODE_L2: the pod resolves neighbours itself. The default of ipvlan.</summary>
    L2 = 0x100,

    /// <summary>IPVLAN_MODE_L3: the node routes what leaves; others need a route to the egress address by the node.</summary>
    L3 = 0x101,

    /// <summary>IPVLAN_MODE_L3S: as L3, but what comes in passes the node's rules and none of the pod's.</summary>
    L3s = 0x102,
}

/// <summary>Which type of interface a mode belongs to.</summary>
public static class InterfaceModes
{
    /// <summary>The type that has this mode.</summary>
    public static InterfaceType Type(this InterfaceMode mode) => mode < InterfaceMode.L2 ? InterfaceType.Macvlan : InterfaceType.Ipvlan;

    /// <summary>The kernel's name for links of this type, which is also the configuration's.</summary>
    public static string Kind(this InterfaceType type) => type == InterfaceType.Macvlan ? "macvlan" : "ipvlan";
}
