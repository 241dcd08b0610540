using Cni;

namespace EgressRouter.Config;

/// <summary>Reads <c>interfaceType</c> and <c>interfaceArgs</c>.</summary>
internal static class InterfaceReader
{
    public const string ModePath = "interfaceArgs.mode";

    public const string MtuPath = "interfaceArgs.mtu";

    // RFC 791: an IPv4 host takes packets of 68 bytes unfragmented. 65535 is the kernel's ETH_MAX_MTU.
    private const int MinMtu = 68;
    private const int MaxMtu = 65535;

    private static readonly (string Name, InterfaceMode Mode)[] _modes =
    [
        ("bridge", InterfaceMode.Bridge), ("private", InterfaceMode.Private), ("vepa", InterfaceMode.Vepa), ("passthru", InterfaceMode.Passthru),
        ("l2", InterfaceMode.L2), ("l3", InterfaceMode.L3),
    ];

    /// <summary>What was read; defaults where it was faulty.</summary>
    public static (InterfaceMode Mode, string? Master, int? Mtu) Read(ObjectReader config, FaultList faults)
    {
        InterfaceType? type = ReadType(config, faults);
        if (config.Object("interfaceArgs") is not ObjectReader args)
        {
            return (DefaultOf(type), null, null);
        }

        KnownKeys.WarnUnknown(args, KnownKeys.InterfaceArgs, faults);
        return (
            ReadMode(args, type, faults),
            ReadLinkName(args, "master", faults, LinkName.MaxAlternativeBytes),
            NumberReader.Read(args, "mtu", MinMtu, MaxMtu, faults));
    }

    /// <summary>A name that a link can have; null when it is absent.</summary>
    public static string? ReadLinkName(ObjectReader reader, string key, FaultList faults, int maxBytes = LinkName.MaxBytes)
    {
        string? name = reader.Setting(key);
        if (name is not null && LinkName.WhyNot(name, maxBytes) is string reason)
        {
            faults.Fault(reader.PathOf(key), name, reason);
        }

        return name;
    }

    /// <summary>The type; null, and a fault, when it is another thing.</summary>
    private static InterfaceType? ReadType(ObjectReader config, FaultList faults)
    {
        switch (config.Setting("interfaceType"))
        {
            case null or "macvlan":
                return InterfaceType.Macvlan;
            case "ipvlan":
                return InterfaceType.Ipvlan;
            case string type:
                faults.Unsupported("interfaceType", type, "the supported interface types are \"macvlan\" and \"ipvlan\"");
                return null;
        }
    }

    private static InterfaceMode DefaultOf(InterfaceType? type) => type == InterfaceType.Ipvlan ? InterfaceMode.L2 : InterfaceMode.Bridge;

    private static InterfaceMode ReadMode(ObjectReader args, InterfaceType? type, FaultList faults)
    {
        // In any case: EgressRouter objects have "Bridge", "Private", "VEPA" and "Passthru".
        if (args.Setting("mode") is not string text || type is not InterfaceType wanted)
        {
            return DefaultOf(type);
        }

        if (type == InterfaceType.Ipvlan && text.Equals("l3s", StringComparison.OrdinalIgnoreCase))
        {
            // What comes in passes the node's rules and none of the pod's: nothing can be redirected or kept out there.
            faults.Unsupported(ModePath, text, "is not supported, since nothing could be redirected or kept out of the pod; use l2 or l3");
            return DefaultOf(type);
        }

        int index = Array.FindIndex(_modes, mode => mode.Name.Equals(text, StringComparison.OrdinalIgnoreCase));
        if (index >= 0 && _modes[index].Mode.Type() == wanted)
        {
            return _modes[index].Mode;
        }

        string those = string.Join(", ", _modes.Where(mode => mode.Mode.Type() == wanted).Select(mode => mode.Name));
        faults.Fault(ModePath, text, index < 0
            ? $"is not one of {those}"
            : $"is a mode of {_modes[index].Mode.Type().Kind()}; interfaceType {wanted.Kind()} has {those}");
        return DefaultOf(type);
    }
}
