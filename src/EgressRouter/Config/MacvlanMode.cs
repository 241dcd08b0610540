namespace EgressRouter.Config;

/// <summary>How macvlans of one parent see each other (<c>interfaceArgs.mode</c>); the values are the kernel's (if_link.h).</summary>
public enum MacvlanMode
{
    /// <summary>MACVLAN_MODE_PRIVATE: never.</summary>
    Private = 1,

    /// <summary>MACVLAN_MODE_VEPA: by way of the switch, which has to reflect.</summary>
    Vepa = 2,

    /// <summary>MACVLAN_MODE_BRIDGE: directly. The default.</summary>
    Bridge = 4,

    /// <summary>MACVLAN_MODE_PASSTHRU: there is one macvlan, with the parent for itself.</summary>
    Passthru = 8,
}
