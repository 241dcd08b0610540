using System.Net;
using EgressRouter.Config;
using EgressRouter.Legacy;

namespace EgressRouter.Tests.Legacy;

/// <summary>Sets of addresses, compared with the membership of single addresses in the networks.</summary>
public class AddressSetTests
{
    private static readonly (IPAddress, int)[] _borders = [(IPAddress.Any, 0), (IPAddress.IPv6Any, 0), (IPAddress.Broadcast, 32),
        (IPAddress.IPv6Loopback, 128), (IPAddress.Parse("8000::"), 1)];

    [Theory]
    [InlineData("10.0.0.0/8 11.0.0.0/8", "10.0.0.0/7")]
    [InlineData("10.0.0.1/32 10.0.0.2/32", "10.0.0.1-10.0.0.2")]
    [InlineData("0.0.0.0/0", "0.0.0.0/1 128.0.0.0/1")]
    [InlineData("::/0 2001:db8::25/128 ffff::/16", "::1:0:0:0-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    [InlineData("0.0.0.0/0 ::/0 10.0.0.0/8", "0.0.0.0/1 128.0.0.0/1 ::1:0:0:0-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    [InlineData("255.255.255.255/32 ::1:0:0:0/128", "255.255.255.255/32 ::1:0:0:0/128")]
    [InlineData("::1/128 ::/128", "::/127")]
    [InlineData("", "")]
    public void As_squid_reads_them(string networks, string texts) => Assert.Equal(texts, string.Join(' ', Of(networks).Texts()));

    [Fact]
    public void Unions_and_differences()
    {
        var random = new Random(1);
        for (int i = 0; i < 2000; i++)
        {
            (IPAddress Address, int Length)[] left = Networks(random), right = Networks(random);
            AddressSet union = AddressSet.Of(left).Union(AddressSet.Of(right)),
            difference = AddressSet.Of(left).Except(AddressSet.Of(right));
            foreach (IPAddress address in left.Concat(right)
                .SelectMany(network => new[] { network.Address, network.Address.Network(Math.Max(network.Length - 1, 0)) }))
            {
                int bits = address.AddressFamily.AddressBits();
                bool IsIn((IPAddress Address, int Length)[] set) =>
                    set.Any(
                        network => network.Address.AddressFamily == address.AddressFamily
                            && address.Network(network.Length).Equals(network.Address.Network(network.Length)));
                Assert.Equal(IsIn(left) || IsIn(right), union.Contains(address, bits));
                Assert.Equal(IsIn(left) && !IsIn(right), difference.Contains(address, bits));
            }

            Assert.True(difference.Except(AddressSet.Of(left)).IsEmpty);
        }
    }

    private static (IPAddress Address, int Length)[] Networks(Random random) =>
        [.. Enumerable.Range(0, random.Next(6)).Select(_ => Network(random))];

    /// <summary>A network near the others, so that they overlap or touch.</summary>
    private static (IPAddress, int) Network(Random random)
    {
        if (random.Next(6) == 0)
        {
            return _borders[random.Next(_borders.Length)];
        }

        bool isIpv4 = random.Next(2) == 0;
        byte[] bytes = isIpv4 ? [10, 0, 0, (byte)random.Next(16)] : [0x20, 1, .. new byte[13], (byte)random.Next(16)];
        return (new IPAddress(bytes), random.Next(3) == 0 ? 0 : bytes.Length * 8 - random.Next(5));
    }

    private static AddressSet Of(string networks) =>
        AddressSet.Of(
            networks.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(text => text.Split('/')).Select(
                parts => (IPAddress.Parse(parts[0]), int.Parse(parts[1]))));
}
