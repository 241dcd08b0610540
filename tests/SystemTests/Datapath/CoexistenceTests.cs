using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>Tables of others, whichever came first: a service mesh's and a port mapping's.</summary>
public class CoexistenceTests
{
    /// <summary>A mesh that keeps a mark of its own in connections, and gives it back to packets on their way out.</summary>
    private const string ForeignMarks = """
        add table inet mesh
        add chain inet mesh in { type filter hook prerouting priority mangle; }
        add rule inet mesh in tcp dport 8080 ct mark set ct mark and 0xfffff000 or 0x111
        add chain inet mesh out { type route hook output priority mangle; }
        add rule inet mesh out meta mark set ct mark
        """;

    private const string Foreign = """
        table inet mesh {
          chain prerouting {
            type nat hook prerouting priority dstnat; policy accept;
            iifname "eth0" tcp dport 9090 counter redirect to :15001
          }
          chain output {
            type nat hook output priority -100; policy accept;
            tcp dport 9099 counter redirect to :15001
          }
        }
        table ip nat {
          chain PREROUTING {
            type nat hook prerouting priority dstnat; policy accept;
            counter jump PORTMAP
          }
          chain POSTROUTING {
            type nat hook postrouting priority srcnat; policy accept;
            meta mark & 0x00004000 == 0x00004000 counter masquerade
          }
          chain PORTMAP {
            fib daddr type local tcp dport 9091 counter redirect to :15002
          }
        }
        table ip filter {
          chain INPUT {
            type filter hook input priority filter; policy accept;
            ct state established,related counter accept
          }
        }
        """;

    private static readonly string[][] _tables = [["inet", "mesh"], ["ip", "nat"], ["ip", "filter"]];

    [RootTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void Foreign_tables_work_and_stay_as_they_are(bool foreignFirst)
    {
        using var lab = new Lab();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        lab.ServeIn(lab.Pod, Protocol.Tcp, Lab.PodAddress, 15001);
        lab.ServeIn(lab.Pod, Protocol.Tcp, Lab.PodAddress, 15002);
        JsonObject? result = null;
        if (!foreignFirst)
        {
            result = lab.Add(Config.TwoAddresses);
        }

        Load(lab);
        string before = Tables(lab);
        result ??= lab.Add(Config.TwoAddresses);
        Assert.Equal(before, Tables(lab));

        foreach (string? source in (string?[])[null, Lab.FarClient])
        {
            Assert.Equal("192.168.12.91", lab.Connect(Protocol.Tcp, 80, source: source)?.Destination);
            Assert.Equal(new Arrival(source ?? "10.129.2.1", Lab.PodAddress, 15001), lab.Connect(Protocol.Tcp, 9090, source: source));
            Assert.Equal(new Arrival(source ?? "10.129.2.1", Lab.PodAddress, 15002), lab.Connect(Protocol.Tcp, 9091, source: source));
        }

        lab.Check(Config.TwoAddresses, result).AssertSilentSuccess();
        Assert.Equal(before, Tables(lab));
        lab.Delete(Config.TwoAddresses);
        Assert.Equal(before, Tables(lab));
        Assert.Equal(new Arrival(Lab.FarClient, Lab.PodAddress, 15001), lab.Connect(Protocol.Tcp, 9090, source: Lab.FarClient));
    }

    [RootTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void Answers_of_the_pod_find_their_way_beside_foreign_marks(bool foreignFirst)
    {
        using var lab = new Lab();
        void LoadForeign() => Command.Must("nsenter", ["--net=" + Lab.PathOf(lab.Pod), "nft", "-f", "-"], ForeignMarks + "\n");
        if (foreignFirst)
        {
            LoadForeign();
        }

        lab.Add(Config.With("80 tcp 192.168.12.91"));
        if (!foreignFirst)
        {
            LoadForeign();
        }

        lab.ServeIn(lab.Pod, Protocol.Tcp, Lab.PodAddress, 8080);
        Assert.NotNull(lab.Connect(Protocol.Tcp, 8080));
        Assert.NotNull(lab.Connect(Protocol.Tcp, 8080, source: Lab.FarClient));
    }

    private static void Load(Lab lab)
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, Foreign);
            Lab.In(lab.Pod, "nft", "-f", file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>The foreign tables as nft prints them, byte for byte, but for what the counters count.</summary>
    private static string Tables(Lab lab) => string.Concat(_tables.Select(table =>
    {
        JsonNode list = JsonNode.Parse(Lab.In(lab.Pod, ["nft", "-j", "-a", "list", "table", .. table]))!;
        foreach (JsonObject counter in list["nftables"]!.AsArray().SelectMany(entry => entry!["rule"]?["expr"]?.AsArray() ?? [])
            .Select(one => one!["counter"]).OfType<JsonObject>())
        {
            counter.Clear();
        }

        return list.ToJsonString() + "\n";
    }));
}
