using Cni;
using Netlink.Routing;

namespace EgressRouter.Config;

/// <summary>Parses <c>interfaceType</c> and <c>interfaceArgs</c>.</summary>
internal static class InterfaceReader
{
    public const string ModePath = "interfaceArgs.mode";

    public const string MtuPath = "interfaceArgs.mtu";

    // RFC 791: every IPv4 host accepts 68-byte packets unfragmented. 65535 is the kernel's ETH_MAX_MTU.
    private const int MinMtu = 68;
    private const int MaxMtu = 65535;

    /// <summary>The modes of each type; the first mode is the default.</summary>
    private static readonly (string Type, LinkKind[] Modes)[] _types =
    [
        (Macvlan.KindName,
        [
            new Macvlan(MacvlanMode.Bridge), new Macvlan(MacvlanMode.Private), new Macvlan(MacvlanMode.Vepa),
            new Macvlan(MacvlanMode.Passthru),
        ]),
        (Ipvlan.KindName, [new Ipvlan(IpvlanMode.L2), new Ipvlan(IpvlanMode.L3)]),
    ];

    public static LinkKind DefaultKind => _types[0].Modes[0];

    /// <summary>The interface settings; invalid values are replaced with defaults.</summary>
    public static (LinkKind Kind, string? Master, LinkSettings Settings) Read(ObjectReader config, ConfigErrors faults)
    {
        LinkKind[]? modes = ReadType(config, faults);
        if (config.Object("interfaceArgs") is not ObjectReader args)
        {
            return (modes?[0] ?? DefaultKind, null, new LinkSettings());
        }

        KnownKeys.WarnUnknown(args, KnownKeys.InterfaceArgs, faults);
        return (
            modes is null ? DefaultKind : ReadMode(args, modes, faults),
            ReadLinkName(args, "master", faults, LinkName.MaxAlternativeBytes),
            new LinkSettings { Mtu = NumberReader.Read(args, "mtu", MinMtu, MaxMtu, faults) });
    }

    /// <summary>A valid link name, or null if it is absent.</summary>
    public static string? ReadLinkName(ObjectReader reader, string key, ConfigErrors faults, int maxBytes = LinkName.MaxBytes)
    {
        string? name = reader.Setting(key);
        if (name is not null && LinkName.WhyNot(name, maxBytes) is string reason)
        {
            faults.Fault(reader.PathOf(key), name, reason);
        }

        return name;
    }

    /// <summary>The modes of the type, or null with an error if there is no such type.</summary>
    private static LinkKind[]? ReadType(ObjectReader config, ConfigErrors faults)
    {
        string type = config.Setting("interfaceType") ?? DefaultKind.Name;
        LinkKind[]? modes = _types.FirstOrDefault(known => known.Type == type).Modes;
        if (modes is null)
        {
            faults.Unsupported("interfaceType", type, "the supported interface types are \"macvlan\" and \"ipvlan\"");
        }

        return modes;
    }

    private static LinkKind ReadMode(ObjectReader args, LinkKind[] modes, ConfigErrors faults)
    {
        if (args.Setting("mode") is not string text)
        {
            return modes[0];
        }

        // Case-insensitive, because EgressRouter objects have "Bridge", "Private", "VEPA" and "Passthru".
        bool IsMeant(LinkKind kind) => string.Equals(kind.Mode, text, StringComparison.OrdinalIgnoreCase);
        if (Array.Find(modes, IsMeant) is LinkKind found)
        {
            return found;
        }

        var l3s = new Ipvlan(IpvlanMode.L3s);
        if (modes[0].Name == l3s.Name && IsMeant(l3s))
        {
            // In l3s mode, inbound packets traverse the node's netfilter hooks and not the pod's: DNAT and filtering have no effect.
            faults.Unsupported(ModePath, text, "is not supported, since nothing could be redirected or kept out of the pod; use l2 or l3");
            return modes[0];
        }

        string those = string.Join(", ", modes.Select(mode => mode.Mode));
        faults.Fault(ModePath, text, _types.SelectMany(type => type.Modes).FirstOrDefault(IsMeant) is LinkKind other
            ? $"is a mode of {other.Name}; interfaceType {modes[0].Name} has {those}"
            : $"is not one of {those}");
        return modes[0];
    }
}
