using System.Net;
using System.Text;
using System.Text.Json;
using EgressRouter.Config;
using EgressRouter.State;
using Netlink;
using Netlink.Neighbours;
using Netlink.NetFilter;
using Netlink.Wire;
using Shared;

namespace EgressRouter.Tests;

/// <summary>Damaged configurations, texts that DEL finds in the kernel, and frames of neighbours.</summary>
public class FuzzTests
{
    [Fact]
    public void Configurations() => Fuzzer.Run(
        "config",
        Directory.GetFiles(Repository.PathOf("testdata", "config"), "*.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(File.ReadAllBytes),
        input =>
        {
            JsonDocument document;
            try
            {
                document = JsonDocument.Parse(input);
            }
            catch (JsonException)
            {
                return false;
            }

            using (document)
            {
                if (document.RootElement.ValueKind != JsonValueKind.Object)
                {
                    return false;
                }

                ConfigResult result = RouterConfig.Parse(document.RootElement);
                Assert.Equal(result.Config is null, !result.Faults.IsEmpty);
                Assert.All(result.Faults.Concat(result.Warnings), fault => Assert.DoesNotContain(fault.ToString(), char.IsControl));
                LogSettings.Read(document.RootElement);
                return result.Config is not null;
            }
        });

    [Fact]
    public void Destinations() => Fuzzer.Run("destinations", [], input =>
    {
        if (!Destination.TryParse(Encoding.UTF8.GetString(input), out Destination? destination, out string? reason))
        {
            Assert.NotEmpty(reason);
            return false;
        }

        Assert.True(Destination.TryParse(destination.ToString(), out Destination? again, out _));
        Assert.Equal(destination, again);
        return true;
    });

    [Fact]
    public void Memories() => Fuzzer.Run("memory", [], input =>
    {
        string line = Encoding.UTF8.GetString(input);
        RestoreMemory memory = RestoreMemory.Read([new Rule(Ruleset.RestoreChain, [], line)]);
        foreach (RouteState route in memory.Defaults)
        {
            Assert.Equal(route, RouteState.FromMemory(route.ToMemory()));
        }

        Assert.All(memory.Defaults.Concat(memory.Returns), route => Assert.DoesNotContain(route.Device ?? "", char.IsControl));
        // A comment must not become a way to write anywhere else, and a path is a whole one: the kernel's ends at a NUL.
        Assert.All(memory.Sysctls.Keys, path => Assert.Matches(@"^net/ipv[46]/conf/[^/:\s\p{Cc}]+/(forwarding|rp_filter|accept_redirects|accept_ra|accept_ra_defrtr)$", path));
        return !memory.ToLines().SequenceEqual(RestoreMemory.None.ToLines());
    });

    [Fact]
    public void Neighbours()
    {
        var judge = new ConflictJudge(
            new MacAddress([2, 0, 0, 0, 0, 0x63]), [IPAddress.Parse("192.168.12.99"), IPAddress.Parse("2001:db8:12::99")], new Bytes([1, 2, 3, 4, 5, 6]), AreAssigned: false);
        Fuzzer.Run("neighbours", Fuzzer.Hexadecimal("testdata", "neighbours"), frame =>
        {
            judge.Hear(frame);
            return ArpPacket.TryRead(frame) is not null || NeighbourMessage.TryRead(frame) is not null;
        });
    }
}
