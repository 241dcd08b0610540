using System.Text.Json;
using Cni;
using Netlink.Routing;

namespace EgressRouter.Config;

/// <summary>Parses <c>interfaceType</c> and <c>interfaceArgs</c>.</summary>
internal static class InterfaceParser
{
    public const string Key = "interfaceArgs";

    private const string MasterKey = "master";
    public const string MasterPath = $"{Key}.{MasterKey}";

    private const string ModeKey = "mode";
    public const string ModePath = $"{Key}.{ModeKey}";

    private const string MtuKey = "mtu";
    public const string MtuPath = $"{Key}.{MtuKey}";

    private const string VlanIdKey = "vlanId";
    private const string VlanIdPath = $"{Key}.{VlanIdKey}";

    // RFC 791: every IPv4 host accepts 68-byte packets unfragmented. 65535 is the kernel's ETH_MAX_MTU.
    private const int MinMtu = 68;
    private const int MaxMtu = 65535;

    // The kernel takes any 32 bits. A mistake of three digits must not let a pod queue gigabytes.
    private const int MaxTxQueueLength = 100_000;

    /// <summary>The modes of each type; the first is the default. A vlan has no modes.</summary>
    private static readonly (string Type, LinkKind[] Modes)[] _types =
    [
        (Macvlan.KindName,
        [
            new Macvlan(MacvlanMode.Bridge), new Macvlan(MacvlanMode.Private), new Macvlan(MacvlanMode.Vepa),
            new Macvlan(MacvlanMode.Passthru),
        ]),
        (Ipvlan.KindName, [new Ipvlan(IpvlanMode.L2), new Ipvlan(IpvlanMode.L3)]),
        (Vlan.KindName, []),
    ];

    /// <summary>The kind of link if the configuration does not name one.</summary>
    public static LinkKind DefaultKind => _types[0].Modes[0];

    /// <summary>The interface settings; invalid values are replaced with defaults.</summary>
    public static (LinkKind Kind, string? Master, LinkSettings Settings) Read(ObjectReader config, ConfigErrors errors)
    {
        string type = config.Setting("interfaceType") ?? DefaultKind.Name;
        LinkKind[]? modes = Array.Find(_types, known => known.Type == type).Modes;
        if (modes is null)
        {
            errors.Unsupported(
                "interfaceType", type,
                $"the supported interface types are {string.Join(", ", _types.Select(known => $"\"{known.Type}\""))}");
        }

        ObjectReader? args = config.Object(Key);
        LinkKind kind = modes is null ? DefaultKind
            : type == Vlan.KindName ? ReadVlan(args, errors)
            : ReadMode(args, modes, errors);
        if (args is null)
        {
            return (kind, null, new LinkSettings());
        }

        KnownKeys.WarnUnknown(args, KnownKeys.InterfaceArgs, errors);
        return (
            kind,
            ReadLinkName(args, MasterKey, errors, LinkName.MaxAlternativeBytes),
            new LinkSettings
            {
                Mtu = NumberReader.Read(args, MtuKey, MinMtu, MaxMtu, errors),
                TxQueueLength = NumberReader.Read(args, "txqueuelen", 0, MaxTxQueueLength, errors),
            });
    }

    /// <summary>A valid link name, or null if it is absent.</summary>
    public static string? ReadLinkName(ObjectReader reader, string key, ConfigErrors errors, int maxBytes = LinkName.MaxBytes)
    {
        string? name = reader.Setting(key);
        if (name is not null && LinkName.WhyNot(name, maxBytes) is string reason)
        {
            errors.Add(reader.PathOf(key), name, reason);
        }

        return name;
    }

    private static Vlan ReadVlan(ObjectReader? args, ConfigErrors errors)
    {
        if (args?.Setting(ModeKey) is string mode)
        {
            errors.Add(ModePath, mode, $"is not for interfaceType {Vlan.KindName}, which has no modes");
        }

        int? id = args is null ? null : NumberReader.Read(args, VlanIdKey, Vlan.MinId, Vlan.MaxId, errors);
        if (args?.Value(VlanIdKey) is not JsonElement value || JsonText.Of(value) is "")
        {
            errors.Add(VlanIdPath, null, $"is required for interfaceType {Vlan.KindName}");
        }

        return new Vlan(id ?? Vlan.MinId);
    }

    private static LinkKind ReadMode(ObjectReader? args, LinkKind[] modes, ConfigErrors errors)
    {
        if (args?.Value(VlanIdKey) is JsonElement id)
        {
            errors.Add(VlanIdPath, JsonText.Of(id), $"is for interfaceType {Vlan.KindName} only");
        }

        if (args?.Setting(ModeKey) is not string text)
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
            errors.Unsupported(ModePath, text, "is not supported, since nothing could be redirected or kept out of the pod; use l2 or l3");
            return modes[0];
        }

        string those = string.Join(", ", modes.Select(mode => mode.Mode));
        errors.Add(ModePath, text, _types.SelectMany(type => type.Modes).FirstOrDefault(IsMeant) is LinkKind other
            ? $"is a mode of {other.Name}; interfaceType {modes[0].Name} has {those}"
            : $"is not one of {those}");
        return modes[0];
    }
}
