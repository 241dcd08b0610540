using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using EgressOperator.Controller;

namespace EgressOperator.Overview;

/// <summary>What an agent measures of an egress address that its node holds.</summary>
/// <param name="At">When it was asked for it.</param>
/// <param name="Ports">Those in use to the destination with most of them.</param>
/// <param name="SentBytes">Since the node holds the address; null if it is not counted. Likewise what was received.</param>
internal sealed record AddressTraffic(
    DateTimeOffset At, string EgressIP, string Node, long Connections, long Ports, long? SentBytes, long? ReceivedBytes)
{
    public void Write(Utf8JsonWriter json)
    {
        json.Members(("egressIP", EgressIP), ("node", Node));
        json.WriteNumber("at", At.ToUnixTimeMilliseconds());
        json.WriteNumber("connections", Connections);
        json.WriteNumber("ports", Ports);
        if (SentBytes is long sent && ReceivedBytes is long received)
        {
            json.WriteNumber("sentBytes", sent);
            json.WriteNumber("receivedBytes", received);
        }
    }
}

/// <summary>Asks the agents of the nodes that hold addresses for their metrics, while somebody looks.</summary>
/// <param name="port">That of the agents' metrics.</param>
internal sealed partial class TrafficReader(ClusterCache cluster, int port, TimeProvider clock) : IDisposable
{
    private const int MostText = 8 * 1024 * 1024;

    private const int AtOnce = 16;

    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(3);

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, ConnectTimeout = _limit })
    {
        Timeout = _limit,
        MaxResponseContentBufferSize = MostText,
    };

    private readonly Lock _lock = new();

    private bool _isAsking;

    private long? _askedAt;

    private long _rounds;

    private volatile AddressTraffic[] _addresses = [];

    private volatile ImmutableDictionary<string, string> _faults = ImmutableDictionary<string, string>.Empty;

    /// <summary>How often agents were asked.</summary>
    public long Rounds => Interlocked.Read(ref _rounds);

    public IReadOnlyList<AddressTraffic> Addresses => _addresses;

    /// <summary>Why the agent of a node has not answered.</summary>
    public ImmutableDictionary<string, string> Faults => _faults;

    /// <summary>Begins a round if the last one is old.</summary>
    public void Look()
    {
        lock (_lock)
        {
            if (_isAsking || (_askedAt is long at && clock.GetElapsedTime(at) < _interval))
            {
                return;
            }

            (_isAsking, _askedAt) = (true, clock.GetTimestamp());
        }

        _ = Task.Run(AskAllAsync);
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Reads an agent's metrics, in Prometheus' text format.</summary>
    public static IEnumerable<AddressTraffic> Read(DateTimeOffset at, string node, string text)
    {
        var values = new Dictionary<string, Dictionary<string, long>>();
        foreach (Match sample in SampleOfAddress().Matches(text))
        {
            string address = IPAddress.TryParse(sample.Groups["ip"].Value, out IPAddress? parsed) ? parsed.ToString() : "";
            if (address.Length > 0
                && double.TryParse(sample.Groups["value"].Value, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value))
            {
                values.TryAdd(address, []);
                values[address][sample.Groups["name"].Value] = (long)value;
            }
        }

        return values.Select(one => new AddressTraffic(
            at, one.Key, node, one.Value.GetValueOrDefault("connections"), one.Value.GetValueOrDefault("ports_in_use"),
            one.Value.TryGetValue("sent_bytes_total", out long sent) ? sent : null,
            one.Value.TryGetValue("received_bytes_total", out long received) ? received : null));
    }

    private async Task AskAllAsync()
    {
        try
        {
            HashSet<string> holders = [.. cluster.EgressIPs.Objects.OfType<WatchedEgressIP>()
                .SelectMany(one => one.Status.Items).Select(item => item.Node)];
            var faults = ImmutableDictionary.CreateBuilder<string, string>();
            List<AddressTraffic> addresses = [];
            await Parallel.ForEachAsync(
                cluster.Nodes.Values.Where(node => holders.Contains(node.Node.Name)),
                new ParallelOptions { MaxDegreeOfParallelism = AtOnce },
                async (node, _) =>
                {
                    (IEnumerable<AddressTraffic> read, string? fault) = await AskAsync(node);
                    lock (addresses)
                    {
                        addresses.AddRange(read);
                        if (fault is not null)
                        {
                            faults[node.Node.Name] = fault;
                        }
                    }
                });
            // While an address moves, two nodes may tell of it.
            _addresses = [.. addresses.OrderByDescending(use => use.Connections).DistinctBy(use => use.EgressIP)];
            _faults = faults.ToImmutable();
        }
        finally
        {
            Interlocked.Increment(ref _rounds);
            lock (_lock)
            {
                _isAsking = false;
            }
        }
    }

    private async Task<(IEnumerable<AddressTraffic> Read, string? Fault)> AskAsync(WatchedNode node)
    {
        if (node.Tunnel is not IPAddress address)
        {
            return ([], "the node has no address");
        }

        try
        {
            string text = await _http.GetStringAsync(new UriBuilder("http", address.ToString(), port, "metrics").Uri);
            return ([.. Read(clock.GetUtcNow(), node.Node.Name, text)], null);
        }
        catch (HttpRequestException fault)
        {
            return ([], fault.Message);
        }
        catch (TaskCanceledException)
        {
            return ([], $"no answer within {_limit.TotalSeconds:0} s");
        }
    }

    [GeneratedRegex(
        """^egress_agent_(?<name>connections|ports_in_use|sent_bytes_total|received_bytes_total)\{egress_ip="(?<ip>[^"]{1,64})"\} (?<value>\S{1,32})""",
        RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex SampleOfAddress();
}
