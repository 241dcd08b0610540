namespace EgressRouter.Config;

/// <summary>What kind of link the egress interface is (<c>interfaceType</c>).</summary>
public enum InterfaceType
{
    /// <summary>A macvlan on a link of the node: a MAC address of its own on the parent's network.</summary>
    Macvlan,

    /// <summary>An ipvlan on a link of the node: an address of its own, with the parent's MAC address.</summary>
    Ipvlan,
}
