using System.Text.Json;
using Netlink;

namespace EgressRouter.Config;

/// <summary>Reads <c>interfaceArgs.mac</c>, and what the runtime asks for in its place.</summary>
internal static class MacReader
{
    private const string Path = "interfaceArgs.mac";

    /// <summary>The address, or whether it is to be the stable one of the egress address; neither: the kernel chooses.</summary>
    public static (MacAddress? Mac, bool IsStable) Read(ObjectReader config, InterfaceType type, RuntimeWishes wishes, FaultList faults)
    {
        // Another kind than an object is reported where the other arguments are read.
        string? written = config.Value("interfaceArgs") is { ValueKind: JsonValueKind.Object } ? config.Object("interfaceArgs")!.Setting("mac") : null;
        if (type == InterfaceType.Ipvlan && (wishes.Mac ?? (written is null ? null : new AskedText(Path, written))) is AskedText any)
        {
            faults.Fault(any.Path, any.Text, "an ipvlan has the hardware address of its parent, and no other");
            return (null, false);
        }

        bool isStable = written == "stable";
        MacAddress? mac = written is null || isStable ? null : Parse(new AskedText(Path, written), faults);
        return wishes.Mac is AskedText asked ? (Parse(asked, faults), false) : (mac, isStable);
    }

    private static MacAddress? Parse(AskedText text, FaultList faults)
    {
        if (MacAddressText.TryParse(text.Text, out MacAddress mac, out string? reason))
        {
            return mac;
        }

        faults.Fault(text.Path, text.Text, text.Path == Path ? $"is not \"stable\", and {reason}" : reason!);
        return null;
    }
}
