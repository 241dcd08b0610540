using System.Diagnostics;
using System.Net;
using EgressOperator.Heartbeats;
using Netlink;
using Prometheus;
using Serilog.Core;
using Shared;

namespace EgressOperator.Tests.Heartbeats;

/// <summary>Services whose sockets are in a network namespace of their own, where addresses come and go.</summary>
public class NamespaceTests
{
    private static readonly string[] _addresses4 = ["10.21.0.1", "10.21.0.2", "10.21.0.3"];
    private static readonly string[] _addresses6 = ["fd21::1", "fd21::2", "fd21::3"];

    [NamespaceFact]
    public void IPv4_addresses_go_and_return() => Try(_addresses4, "/32");

    [NamespaceFact]
    public void IPv6_addresses_go_and_return() => Try(_addresses6, "/128");

    private static void Try(string[] addresses, string length)
    {
        NetNamespace? space = null;
        NetNamespace.RunInNew(() =>
        {
            space = NetNamespace.OpenCurrent();
            Ip("link", "set", "lo", "up");
            Array.ForEach(addresses, address => Ip("addr", "add", address + length, "dev", "lo"));
        });
        PeerNode[] peers = [.. addresses.Select((address, index) => new PeerNode(
            $"egress-{index}", [IPAddress.Parse(address)], IsEgressNode: true, IsVoter: true))];
        HeartbeatService[] services = [.. peers.Select(peer => new HeartbeatService(
            new HeartbeatOptions(peer.Name) { Space = space }, new HeartbeatMetrics(Metrics.NewCustomRegistry()), Logger.None))];
        try
        {
            Array.ForEach(services, service => service.SetPeers(peers));
            Array.ForEach(services, service => service.Start());
            Eventually.IsTrue(() => services.All(service => service.Current.MayTake), "they do not hear each other", seconds: 30);

            space!.Run(() => Ip("addr", "del", addresses[0] + length, "dev", "lo"));
            Eventually.IsTrue(() => services[0].Current.IsIsolated, "egress-0 is not isolated", seconds: 30);

            // Over IPv6 the kernel still sends from the address that is gone: then egress-0 says itself that it is cut off.
            Eventually.IsTrue(() => services[1].Current.Dead.Contains("egress-0"), "egress-0 is not dead", seconds: 30);
            Assert.DoesNotContain("egress-2", services[1].Current.Missing);

            space.Run(() => Ip("addr", "add", addresses[0] + length, "dev", "lo"));
            Eventually.IsTrue(() => services.All(service => service.Current.MayTake), "egress-0 does not come back", seconds: 30);
            Assert.Empty(services[1].Current.Missing);

            // What the kernel refuses to send is lost, no more.
            space.Run(() => Ip("link", "set", "lo", "down"));
            Eventually.IsTrue(
                () => services.All(service => service.Current.IsIsolated), "they hear each other over a link that is down", seconds: 30);
            space.Run(() => Ip("link", "set", "lo", "up"));
            space.Run(() => Array.ForEach(addresses, address => Ip("addr", "replace", address + length, "dev", "lo")));
            Eventually.IsTrue(() => services.All(service => service.Current.MayTake), "they do not hear each other again", seconds: 30);
        }
        finally
        {
            Array.ForEach(services, service => service.Dispose());
            space!.Dispose();
        }
    }

    /// <summary>The child is in the namespace of the calling thread.</summary>
    private static void Ip(params string[] arguments)
    {
        using Process ip = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })!;
        string error = ip.StandardError.ReadToEnd();
        Assert.True(ip.WaitForExit(TimeSpan.FromSeconds(10)) && ip.ExitCode == 0, $"ip {string.Join(' ', arguments)}: {error}");
    }
}

/// <summary>A test that makes network namespaces; skipped, with the reason, where that is not allowed.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NamespaceFactAttribute : FactAttribute
{
    private static readonly string? _missing = Find();

    public NamespaceFactAttribute() => Skip = _missing;

    private static string? Find()
    {
        try
        {
            NetNamespace.RunInNew(() => { });
            return null;
        }
        catch (NetlinkException fault)
        {
            return fault.Message;
        }
    }
}
