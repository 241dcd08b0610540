using EgressRouter.Config;

namespace EgressRouterCtl.Output;

/// <summary>Destinations in tables for people.</summary>
internal static class Names
{
    /// <summary><c>8080 tcp</c>, or all others of a family.</summary>
    public static string Ports(Destination destination) =>
        destination is PortDestination port ? port.PortText : $"all others, {destination.Address.AddressFamily.Text()}";

    /// <summary>The address, and the port where it is another.</summary>
    public static string Target(Destination destination) =>
        destination is PortDestination { TargetPort: ushort port } ? $"{destination.Address} port {port}" : $"{destination.Address}";
}
