using System.Net;
using EgressRouter.Legacy;
using Shared;

namespace EgressRouter.Tests.Legacy;

/// <summary>The lists of both proxies in testdata/legacy, and pods for them.</summary>
internal static class ProxyExamples
{
    public static ProxyPod Ipv4 { get; } = new()
    {
        Sources = [IPAddress.Parse("192.168.12.99")],
        ClusterAddresses = [IPAddress.Parse("10.129.2.31")],
        Own = [IPAddress.Parse("192.168.12.99"), IPAddress.Parse("10.129.2.31")],
        Loopback = [IPAddress.Loopback],
        Elsewhere = AddressSet.Of([(IPAddress.Parse("10.129.2.0"), 23)]),
        Nameservers = [IPAddress.Parse("192.168.12.53")],
        Directory = "/run/egress-router",
    };

    public static Dictionary<string, ProxyPod> Pods { get; } = new()
    {
        ["IPv4"] = Ipv4,
        ["IPv6"] = Ipv4 with
        {
            Sources = [IPAddress.Parse("2001:db8:12::99")],
            Nameservers = [IPAddress.Parse("2001:db8:12::53"), IPAddress.Parse("192.168.12.53")]
        },
        ["both"] = Ipv4 with
        {
            Sources = [IPAddress.Parse("192.168.12.99"), IPAddress.Parse("2001:db8:12::99")],
            ClusterAddresses = [IPAddress.Parse("10.129.2.31"), IPAddress.Parse("fd00:10:129::31")],
            Loopback = [IPAddress.Loopback, IPAddress.IPv6Loopback]
        },
    };

    /// <summary>The file, the pod, and whether there is an access log.</summary>
    public static TheoryData<string, string, bool> HttpLists => new()
    {
        { "documented", "IPv4", false },
        { "every-form", "both", true },
        { "ipv6", "IPv6", false },
    };

    /// <summary>The file, the pod, and whether connections are logged.</summary>
    public static TheoryData<string, string, bool> DnsLists => new()
    {
        { "documented", "IPv4", false },
        { "every-form", "both", true },
        { "ipv6", "IPv6", false },
        { "addresses", "IPv4", false },
    };

    public static string Text(string kind, string name) => File.ReadAllText(Repository.PathOf("testdata", "legacy", kind, name + ".txt"));
}
