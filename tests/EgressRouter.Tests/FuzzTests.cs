using System.Collections.Immutable;
using System.Net;
using System.Text;
using System.Text.Json;
using EgressRouter.Config;
using EgressRouter.Kernel;
using EgressRouter.State;
using EgressRouter.State.Nftables;
using Netlink;
using Netlink.Neighbors;
using Netlink.NetFilter;
using Netlink.Routing;
using Netlink.Wire;
using Shared;

namespace EgressRouter.Tests;

/// <summary>Damaged configurations, comments that DEL reads from the kernel, and neighbor frames.</summary>
public class FuzzTests
{
    [Fact]
    public void Configurations() => Fuzzer.Run(
        "config",
        Directory.GetFiles(
            Repository.PathOf("testdata", "config"), "*.json",
            SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(File.ReadAllBytes),
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
                Assert.Equal(result.Config is null, !result.Errors.IsEmpty);
                Assert.All(result.Errors.Concat(result.Warnings), fault => Assert.DoesNotContain(fault.ToString(), char.IsControl));
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
        SavedState saved = SavedState.Read([new Rule(NftRuleset.RestoreChain, [], line)]);
        foreach (RouteState route in saved.Defaults)
        {
            Assert.Equal(route, RouteState.FromSavedText(route.ToSavedText()));
        }

        Assert.All(saved.Defaults.Concat(saved.Returns), route => Assert.DoesNotContain(route.Device ?? "", char.IsControl));
        Assert.All(saved.Defaults.Concat(saved.Returns), RequireWhole);

        // A comment must not enable a write to another path, and the kernel would cut a path at a NUL.
        Assert.All(
            saved.Sysctls.Keys.Select(sysctl => $"{sysctl}"),
            path => Assert.Matches(
                @"^net/ipv[46]/conf/[^/:\s\p{Cc}]+/(forwarding|rp_filter|accept_redirects|accept_ra|accept_ra_defrtr)$", path));
        return !saved.ToLines().SequenceEqual(SavedState.None.ToLines());
    });

    /// <summary>The plugin's table after changes by a privileged process in the pod; each byte of the input decides one.</summary>
    [Fact]
    public void Tables()
    {
        NetworkState desired = State.Example.Present("80 tcp 192.168.12.91", "8000-8100 udp 192.168.12.92", "192.168.12.93");
        var random = new Random(1);
        byte[][] seeds = [.. Enumerable.Range(1, 40).Select(length => new byte[length * 10])];
        Array.ForEach(seeds, random.NextBytes);
        Fuzzer.Run("tables", seeds, input =>
        {
            Table observed = new TableMaker(input).Make(desired.Table!);
            ImmutableArray<CountedDestination> destinations = NftTableReader.Destinations(observed);
            var redirections = new Redirections(
                [.. destinations.Select(counted => counted.Destination)], [.. NftTableReader.Addresses(observed)]);
            Assert.All(destinations.Select(counted => counted.Destination).OfType<PortDestination>(), port =>
                Assert.NotNull(redirections.Of(port.Address.AddressFamily, port.Protocol, port.FirstPort)));
            Assert.All(observed.Rules, rule => Assert.NotNull(NftText.Of(rule)));
            Assert.All(SavedState.Read(observed.Rules).Defaults, RequireWhole);
            ImmutableArray<Difference> differences = Difference.Between(desired, desired with { Table = observed });
            Assert.All(differences, difference => Assert.NotEmpty(difference.ToString()!));
            Assert.Empty(Difference.Between(desired, desired with { Table = NftTableReader.WithCounts(desired.Table!, observed) }));
            return destinations.Length > 0;
        });
    }

    /// <summary>A route that was read from a comment is written to the kernel: the message must be complete.</summary>
    private static void RequireWhole(RouteState route)
    {
        var batch = new RequestBatch();
        batch.AddRoute("route", route.ToKernel(_ => 7));
        var messages = new MessageReader(batch.Writer.Written);
        Assert.True(messages.Next(out Message message));
        AttributeReader attributes = message.Attributes(fixedHeader: 12);
        while (attributes.Next(out _))
        {
        }

        Assert.False(messages.Next(out _));
    }

    [Fact]
    public void Neighbors()
    {
        var judge = new ConflictDetector(
            new MacAddress([2, 0, 0, 0, 0, 0x63]), [IPAddress.Parse("192.168.12.99"), IPAddress.Parse("2001:db8:12::99")],
            new Bytes([1, 2, 3, 4, 5, 6]), AreAssigned: false);
        Fuzzer.Run("neighbors", Fuzzer.Hexadecimal("testdata", "neighbors"), frame =>
        {
            judge.Inspect(frame);
            return ArpPacket.TryRead(frame) is not null || NeighborMessage.TryRead(frame) is not null;
        });
    }
}
