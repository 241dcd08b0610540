using System.Text.Json;
using EgressOperator.Controller;
using EgressOperator.Objects;

namespace EgressOperator.Tests.Controller;

/// <summary>What annotations of an EgressIP say. A mistake in one must not let its pods out with the node's address.</summary>
public class AnnotationTests
{
    [Theory]
    [InlineData("true", true)]
    [InlineData("false", false)]
    [InlineData("yes", false, "must be \"true\" or \"false\"")]
    [InlineData("", false, "must be \"true\" or \"false\"")]
    public void Fail_open(string value, bool isOpen, string? ignored = null)
    {
        (WatchedEgressIP read, string[] told) = Read(WatchedEgressIP.FailOpenAnnotation, value);
        Assert.Equal(isOpen, read.FailsOpen);
        Assert.Equal(ignored is null, told.Length == 0);
        Assert.All(told, fault => Assert.Contains(ignored!, fault, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("10.0.0.0/8, fd00::/8", 2)]
    [InlineData("", 0)]
    [InlineData("10.0.0.0/33", 0, "is not a network")]
    public void Except_networks(string value, int count, string? ignored = null)
    {
        (WatchedEgressIP read, string[] told) = Read(WatchedEgressIP.ExceptAnnotation, value);
        Assert.Equal(count, read.Excluded.Length);
        Assert.Equal(ignored is null, told.Length == 0);
        Assert.All(told, fault => Assert.Contains(ignored!, fault, StringComparison.Ordinal));
    }

    private static (WatchedEgressIP, string[]) Read(string annotation, string value)
    {
        using JsonDocument source = JsonDocument.Parse($$$"""
            {
              "metadata": { "name": "e", "uid": "u", "annotations": { "{{{annotation}}}": "{{{value}}}" } },
              "spec": { "egressIPs": ["192.0.2.100"], "namespaceSelector": {} }
            }
            """);
        List<string> told = [];
        return (WatchedEgressIP.Read(KubernetesObject.Of(ClusterCache.EgressIPResource, source.RootElement), told.Add), [.. told]);
    }
}
