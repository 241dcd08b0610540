using System.Diagnostics;
using EgressRouter.Legacy;

namespace EgressRouter.Tests.Legacy;

/// <summary>The input of <c>convert</c> may be large: a dump of all objects of a cluster.</summary>
public class GrowthTests
{
    private const int Few = 500;

    [Fact]
    public void The_time_grows_with_ConfigMaps_and_references_and_not_with_their_product()
    {
        AssertGrowth(Time, Few, Few * 8);

        static double Time(int count)
        {
            string maps = string.Concat(
                Enumerable.Range(0, count).Select(
                    i => $"{{ kind: ConfigMap, metadata: {{ name: map{i} }}, data: {{ k: 80 tcp 203.0.113.25 }} }}\n---\n"));
            string references = string.Join(
                ", ",
                Enumerable.Range(0, count).Select(
                    i => $"{{ name: EGRESS_DESTINATION, valueFrom: {{ configMapKeyRef: {{ name: map{i}, key: k }} }} }}"));
            string pod =
                $"{{ kind: Pod, metadata: {{ name: router }}, spec: {{ containers: [ {{ env: [ {{ name: EGRESS_SOURCE, value: 192.168.12.99 }}, {{ name: EGRESS_GATEWAY, value: 192.168.12.1 }}, {references} ] }} ] }} }}";
            return Milliseconds(() => Assert.Single(LegacyReader.FromYaml(maps + pod, "pods.yaml").Routers));
        }
    }

    [Fact]
    public void The_time_grows_with_the_lines_of_a_variable_and_not_with_their_square()
    {
        AssertGrowth(Time, Few * 4, Few * 32);

        static double Time(int count)
        {
            string text =
                $"EGRESS_SOURCE=192.168.12.99\nEGRESS_GATEWAY=192.168.12.1\nEGRESS_DESTINATION=\"{string.Concat(Enumerable.Repeat("# comment\n", count))}80 tcp 203.0.113.25\"";
            return Milliseconds(() => Assert.Single(Assert.Single(LegacyReader.FromEnvironment(text, "router").Routers).Destinations));
        }
    }

    /// <summary>The first of several texts counts, and only if namespace, name and key match.</summary>
    [Theory]
    [InlineData("ns", "m", "k", 0)]
    [InlineData("other", "m", "k", 1)]
    [InlineData("ns", "M", "k", 1)]
    [InlineData("ns", "m", "K", 1)]
    public void A_reference_finds_its_own_ConfigMap(string space, string map, string key, int faults)
    {
        LegacyResult result = LegacyReader.FromYaml(
            $$"""
            { kind: ConfigMap, metadata: { name: m, namespace: ns }, data: [] }
            ---
            { kind: ConfigMap, metadata: { name: m, namespace: ns }, data: { x: y, k: { } } }
            ---
            { kind: ConfigMap, metadata: { name: m, namespace: ns }, data: { k: 80 tcp 203.0.113.25 } }
            ---
            { kind: ConfigMap, metadata: { name: m, namespace: ns }, data: { k: 80 tcp 203.0.113.26 } }
            ---
            kind: Pod
            metadata: { name: router, namespace: {{space}} }
            spec:
              containers:
              - env:
                - { name: EGRESS_SOURCE, value: 192.168.12.99 }
                - { name: EGRESS_GATEWAY, value: 192.168.12.1 }
                - { name: EGRESS_DESTINATION, valueFrom: { configMapKeyRef: { name: {{map}}, key: {{key}} } } }
            """,
            "pod.yaml");
        Assert.Equal(
            faults == 0 ? ["80 tcp 203.0.113.25"] : [], result.Routers.SelectMany(router => router.Destinations).Select(line => line.Text));
        Assert.Equal(faults == 0, result.Faults.IsEmpty);
    }

    private static double Milliseconds(Action read)
    {
        long start = Stopwatch.GetTimestamp();
        read();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    /// <summary>
    /// Comparing each with each, eight times as much would take 64 times as long. Both are measured until the ratio holds, because other
    /// programs use the processors too.
    /// </summary>
    private static void AssertGrowth(Func<int, double> time, int few, int many)
    {
        (double leastOfFew, double leastOfMany) = (double.MaxValue, double.MaxValue);
        for (int round = 0; round < 3 || (leastOfMany >= leastOfFew * 24 && round < 50); round++)
        {
            leastOfFew = Math.Min(leastOfFew, time(few));
            leastOfMany = Math.Min(leastOfMany, time(many));
        }

        Assert.True(leastOfMany < leastOfFew * 24, $"{leastOfMany} ms for eight times what takes {leastOfFew} ms");
    }
}
