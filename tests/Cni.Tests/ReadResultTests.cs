using System.Text;
using System.Text.Json;
using Shared;

namespace Cni.Tests;

/// <summary>Other plugins' results: a result that is read and written again is unchanged, and an error names its path.</summary>
public class ReadResultTests
{
    public static TheoryData<string> Written => [.. Directory.GetFiles(Repository.PathOf("testdata", "cni"), "result-*.verified.txt")
        .Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Written))]
    public void A_result_of_any_version_is_read_as_it_was_written(string file)
    {
        string text = File.ReadAllText(Repository.PathOf("testdata", "cni", file));
        JsonElement json = Parse(text);
        Assert.True(CniVersions.TryParse(json.GetProperty("cniVersion").GetString()!, out CniVersion version));
        Assert.Equal(text, Write(CniResult.Read(json, "prevResult"), version));
    }

    [Fact]
    public void Members_of_the_newest_version_come_through()
    {
        const string text = """
            {"cniVersion":"1.1.0","interfaces":[{"name":"a","mac":"02:00:00:00:00:01","mtu":9000,"sandbox":"/s","socketPath":"/p","pciID":"0000:00:1f.6"}],"ips":[{"interface":0,"address":"192.0.2.1/24"}],"routes":[{"dst":"192.0.2.128/25","gw":"192.0.2.1","mtu":1400,"advmss":1360,"priority":4294967295,"table":4294967295,"scope":253}],"dns":{"nameservers":["192.0.2.53"],"domain":"d","search":["s"],"options":["o"]}}
            """;
        Assert.Equal(text + "\n", Write(CniResult.Read(Parse(text), "prevResult"), CniVersion.V110));
    }

    /// <summary>Multus replaces default routes in the cached result, and writes the IPv6 one this way.</summary>
    [Fact]
    public void The_default_route_as_Multus_spells_it()
    {
        CniResult result = CniResult.Read(Parse("""{"routes":[{"dst":"::0/0","gw":"fd00::1"},{"dst":"0.0.0.0/0"}]}"""), "prevResult");
        Assert.Equal(["::/0", "0.0.0.0/0"], result.Routes.Select(route => $"{route.Destination}/{route.PrefixLength}"));
    }

    [Theory]
    [InlineData("[]", "prevResult is not an object")]
    [InlineData("""{"interfaces":{}}""", "prevResult.interfaces is not a list")]
    [InlineData("""{"interfaces":[1]}""", "prevResult.interfaces[0] is not an object")]
    [InlineData("""{"interfaces":[{"name":"a"},{"mac":"x"}]}""", "prevResult.interfaces[1].name is missing")]
    [InlineData("""{"interfaces":[{"name":1}]}""", "prevResult.interfaces[0].name is not text")]
    [InlineData("""{"interfaces":[{"name":"a","mtu":"9"}]}""", "prevResult.interfaces[0].mtu is not a whole number of 32 bits")]
    [InlineData("""{"interfaces":[{"name":"a","mtu":1.5}]}""", "prevResult.interfaces[0].mtu is not a whole number of 32 bits")]
    [InlineData("""{"ips":[{}]}""", "prevResult.ips[0].address is missing")]
    [InlineData("""{"ips":[{"address":"hunter2"}]}""", "prevResult.ips[0].address is not an IP address with a prefix length")]
    [InlineData("""{"ips":[{"address":"192.0.2.010/24"}]}""", "prevResult.ips[0].address is not an IP address with a prefix length")]
    [InlineData("""{"ips":[{"address":"192.0.2.1/024"}]}""", "prevResult.ips[0].address is not an IP address with a prefix length")]
    [InlineData("""{"ips":[{"address":"0xc0.0.2.1/24"}]}""", "prevResult.ips[0].address is not an IP address with a prefix length")]
    [InlineData("""{"ips":[{"address":"192.513/24"}]}""", "prevResult.ips[0].address is not an IP address with a prefix length")]
    [InlineData("""{"ips":[{"address":"2001:db8::192.0.2.01/64"}]}""", "prevResult.ips[0].address is not an IP address with a prefix length")]
    [InlineData("""{"ips":[{"address":"192.0.2.1/24","gateway":"fe80::1%eth0"}]}""", "prevResult.ips[0].gateway is not an IP address")]
    [InlineData("""{"ips":[{"address":"192.0.2.1/24","gateway":"[fe80::1]:80"}]}""", "prevResult.ips[0].gateway is not an IP address")]
    [InlineData("""{"ips":[{"address":"192.0.2.1/24","gateway":"fe80::1/64"}]}""", "prevResult.ips[0].gateway is not an IP address")]
    [InlineData("""{"ips":[{"address":"192.0.2.1/24","gateway":":1:2:3:4:5:6:7"}]}""", "prevResult.ips[0].gateway is not an IP address")]
    [InlineData("""{"routes":[{"dst":"192.0.2.0/24","table":4294967296}]}""", "prevResult.routes[0].table is not a whole number of 32 bits")]
    [InlineData("""{"routes":[{"dst":"192.0.2.0/24","priority":-1}]}""", "prevResult.routes[0].priority is not a whole number of 32 bits")]
    [InlineData("""{"ips":[{"address":"192.0.2.1"}]}""", "prevResult.ips[0].address is not an IP address with a prefix length")]
    [InlineData("""{"ips":[{"address":"192.0.2.1/33"}]}""", "prevResult.ips[0].address is not an IP address with a prefix length")]
    [InlineData("""{"ips":[{"address":"192.0.2.1/+3"}]}""", "prevResult.ips[0].address is not an IP address with a prefix length")]
    [InlineData("""{"ips":[{"address":"192.0.2.1/24","gateway":"hunter2"}]}""", "prevResult.ips[0].gateway is not an IP address")]
    [InlineData("""{"ips":[{"address":"192.0.2.1/24","interface":"0"}]}""", "prevResult.ips[0].interface is not a whole number of 32 bits")]
    [InlineData("""{"routes":[{"gw":"192.0.2.1"}]}""", "prevResult.routes[0].dst is missing")]
    [InlineData("""{"ip4":[]}""", "prevResult.ip4 is not an object")]
    [InlineData("""{"ip6":{}}""", "prevResult.ip6.ip is missing")]
    [InlineData("""{"ip4":{"ip":"192.0.2.1/24","routes":[{"dst":"x"}]}}""", "prevResult.ip4.routes[0].dst is not an IP address with a prefix length")]
    [InlineData("""{"dns":[]}""", "prevResult.dns is not an object")]
    [InlineData("""{"dns":{"search":["a",1]}}""", "prevResult.dns.search[1] is not text")]
    public void Garbage_is_named_by_its_place_and_not_shown(string json, string message)
    {
        CniException error = Assert.Throws<CniException>(() => CniResult.Read(Parse(json), "prevResult"));
        Assert.Equal((CniErrorCode.InvalidConfig, message), (error.Code, error.Message));
    }

    [Fact]
    public void A_result_after_another_keeps_what_that_one_said()
    {
        CniResult previous = CniResult.Read(Parse("""
            {"interfaces":[{"name":"br0"},{"name":"eth0","sandbox":"/s"}],"ips":[{"interface":1,"address":"10.0.0.2/24"}],"routes":[{"dst":"10.0.0.0/8"}],"dns":{"domain":"d"}}
            """), "prevResult");
        CniResult own = CniResult.Read(Parse("""
            {"interfaces":[{"name":"net1","sandbox":"/s"}],"ips":[{"interface":0,"address":"192.0.2.1/24"},{"address":"192.0.2.2/24"}],"routes":[{"dst":"0.0.0.0/0"}]}
            """), "own");
        Assert.Equal(
            """
            {"cniVersion":"1.0.0","interfaces":[{"name":"br0"},{"name":"eth0","sandbox":"/s"},{"name":"net1","sandbox":"/s"}],"ips":[{"interface":1,"address":"10.0.0.2/24"},{"interface":2,"address":"192.0.2.1/24"},{"address":"192.0.2.2/24"}],"routes":[{"dst":"10.0.0.0/8"},{"dst":"0.0.0.0/0"}],"dns":{"domain":"d"}}
            """ + "\n",
            Write(own.After(previous), CniVersion.V100));
    }

    /// <summary>Replaces only the main table's default route of the same family; Multus writes the IPv6 one as <c>::0/0</c>.</summary>
    [Theory]
    [InlineData("""{"dst":"0.0.0.0/0","gw":"192.0.2.1"}""", """{"dst":"::0/0","gw":"fe80::1"},{"dst":"0.0.0.0/0","table":7}""", """{"dst":"::/0","gw":"fe80::1"},{"dst":"0.0.0.0/0","table":7},{"dst":"0.0.0.0/0","gw":"192.0.2.1"}""")]
    [InlineData("""{"dst":"::/0","table":254}""", """{"dst":"::0/0","gw":"fe80::1"},{"dst":"0.0.0.0/0"}""", """{"dst":"0.0.0.0/0"},{"dst":"::/0","table":254}""")]
    [InlineData("""{"dst":"0.0.0.0/0","table":7}""", """{"dst":"0.0.0.0/0"}""", """{"dst":"0.0.0.0/0"},{"dst":"0.0.0.0/0","table":7}""")]
    [InlineData("""{"dst":"0.0.0.0/1"}""", """{"dst":"0.0.0.0/0"}""", """{"dst":"0.0.0.0/0"},{"dst":"0.0.0.0/1"}""")]
    public void A_default_route_takes_the_place_of_another_plugins(string own, string previous, string expected)
    {
        static CniResult WithRoutes(string routes) => CniResult.Read(Parse($$"""{"routes":[{{routes}}]}"""), "result");
        Assert.Equal($$"""{"cniVersion":"1.1.0","routes":[{{expected}}]}""" + "\n", Write(WithRoutes(own).After(WithRoutes(previous)), CniVersion.V110));
    }

    private static JsonElement Parse(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }

    private static string Write(CniResult result, CniVersion version)
    {
        using var stream = new MemoryStream();
        result.WriteTo(stream, version);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
