using EgressRouter.Config;

namespace EgressRouterCtl.Output;

/// <summary>Formats destinations for tables.</summary>
internal static class DestinationText
{
    /// <summary><c>8080 tcp</c>, or all other ports of an address family.</summary>
    public static string Ports(Destination destination) =>
        destination is PortDestination port ? port.PortText : $"all others, {destination.Address.AddressFamily.Text()}";

    /// <summary>The address, and the port if it differs.</summary>
    public static string Target(Destination destination) =>
        destination is PortDestination { TargetPort: ushort port } ? $"{destination.Address} port {port}" : $"{destination.Address}";
}
