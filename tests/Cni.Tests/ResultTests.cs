using System.Net;
using System.Text;
using Shared;

namespace Cni.Tests;

public class ResultTests
{
    private static readonly CniResult _full = new(
        [
            new("net1", "02:42:c0:00:02:01", "/run/netns/pod", 1400),
            new("eth1", null, null),
        ],
        [
            new(IPAddress.Parse("192.0.2.1"), 24, IPAddress.Parse("192.0.2.254"), 0),
            new(IPAddress.Parse("2001:DB8:0::1%7"), 64, IPAddress.Parse("fe80::1%7"), 0),
            new(IPAddress.Parse("192.0.2.2"), 32, null, null),
            new(IPAddress.Parse("2001:db8::2"), 128, null, null),
        ],
        [
            new(IPAddress.Any, 0, IPAddress.Parse("192.0.2.254"), Mtu: 1400, Priority: 10, Table: 254, Scope: 0),
            new(IPAddress.Parse("198.51.100.0"), 24, null),
            new(IPAddress.IPv6Any, 0, IPAddress.Parse("2001:db8::fe")),
        ],
        new(["192.0.2.53"], "example.org", ["example.org", "a\"b<c>"], ["ndots:5"]));

    public static TheoryData<CniVersion> Versions => [.. CniVersions.All];

    [Theory]
    [MemberData(nameof(Versions))]
    public void A_result_has_the_shape_of_its_version(CniVersion version) =>
        Golden.Verify(Written(_full, version), "cni", $"result-{version.Text()}");

    [Theory]
    [MemberData(nameof(Versions))]
    public void What_is_absent_is_left_out(CniVersion version)
    {
        var small = new CniResult(default, [new(IPAddress.Parse("192.0.2.1"), 24, null, null)], default, null);
        Golden.Verify(Written(small, version), "cni", $"result-small-{version.Text()}");
    }

    [Theory]
    [InlineData(CniVersion.V030, """{"cniVersion":"0.3.0","dns":{}}""")]
    [InlineData(CniVersion.V040, """{"cniVersion":"0.4.0","dns":{}}""")]
    [InlineData(CniVersion.V100, """{"cniVersion":"1.0.0"}""")]
    [InlineData(CniVersion.V110, """{"cniVersion":"1.1.0"}""")]
    public void An_empty_result_is_a_result(CniVersion version, string expected) =>
        Assert.Equal(expected + "\n", Written(new(default, default, default, new(default, null, default, default)), version));

    [Theory]
    [InlineData(CniVersion.V010)]
    [InlineData(CniVersion.V020)]
    public void The_oldest_versions_cannot_tell_a_result_without_an_address(CniVersion version)
    {
        using var stream = new MemoryStream();
        CniException error = Assert.Throws<CniException>(() => new CniResult([], [], [], null).WriteTo(stream, version));
        Assert.Equal(CniErrorCode.IncompatibleVersion, error.Code);
        Assert.Equal(0, stream.Length);
    }

    [Fact]
    public void A_result_is_one_write_that_ends_the_line()
    {
        using var stream = new CountingStream();
        _full.WriteTo(stream, CniVersion.V110);
        Assert.Equal(1, stream.Writes);
        Assert.Equal((byte)'\n', stream.ToArray()[^1]);
    }

    private static string Written(CniResult result, CniVersion version)
    {
        using var stream = new MemoryStream();
        result.WriteTo(stream, version);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private sealed class CountingStream : MemoryStream
    {
        public int Writes { get; private set; }

        // In a derived class, MemoryStream.Write(span) calls this overload.
        public override void Write(byte[] buffer, int offset, int count)
        {
            Writes++;
            base.Write(buffer, offset, count);
        }
    }
}
