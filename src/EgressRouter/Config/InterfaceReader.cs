namespace EgressRouter.Config;

/// <summary>Reads <c>interfaceType</c> and <c>interfaceArgs</c>.</summary>
internal static class InterfaceReader
{
    public const string MtuPath = "interfaceArgs.mtu";

    // RFC 791: an IPv4 host takes packets of 68 bytes unfragmented. 65535 is the kernel's ETH_MAX_MTU.
    private const int MinMtu = 68;
    private const int MaxMtu = 65535;

    /// <summary>What was read; defaults where it was faulty.</summary>
    public static (InterfaceType Type, MacvlanMode Mode, string? Master, int? Mtu) Read(ObjectReader config, FaultList faults)
    {
        if (config.Setting("interfaceType") is string type && type != "macvlan")
        {
            faults.Unsupported("interfaceType", type, "the supported interface type is \"macvlan\"");
        }

        if (config.Object("interfaceArgs") is not ObjectReader args)
        {
            return (InterfaceType.Macvlan, MacvlanMode.Bridge, null, null);
        }

        KnownKeys.WarnUnknown(args, KnownKeys.InterfaceArgs, faults);
        return (InterfaceType.Macvlan, ReadMode(args, faults), ReadLinkName(args, "master", faults), NumberReader.Read(args, "mtu", MinMtu, MaxMtu, faults));
    }

    /// <summary>A name that a link can have; null when it is absent.</summary>
    public static string? ReadLinkName(ObjectReader reader, string key, FaultList faults)
    {
        string? name = reader.Setting(key);
        if (name is not null && LinkName.WhyNot(name) is string reason)
        {
            faults.Fault(reader.PathOf(key), name, reason);
        }

        return name;
    }

    private static MacvlanMode ReadMode(ObjectReader args, FaultList faults)
    {
        // In any case: EgressRouter objects have "Bridge", "Private", "VEPA" and "Passthru".
        string? text = args.Setting("mode");
        switch (text?.ToLowerInvariant())
        {
            case null or "bridge":
                return MacvlanMode.Bridge;
            case "private":
                return MacvlanMode.Private;
            case "vepa":
                return MacvlanMode.Vepa;
            case "passthru":
                return MacvlanMode.Passthru;
            default:
                faults.Fault(args.PathOf("mode"), text, "is not one of bridge, private, vepa, passthru");
                return MacvlanMode.Bridge;
        }
    }
}
