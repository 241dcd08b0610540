using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using EgressOperator.Tests.Controller;

namespace EgressOperator.Tests.Overview;

/// <summary>Who may read the page of the controller, and what programs get.</summary>
public sealed class StatusPortTests : IAsyncLifetime
{
    private OwnCluster? _cluster;

    private ControllerProcess? _controller;

    private OwnCluster Cluster => _cluster!;

    private ControllerProcess Controller => _controller!;

    public async Task InitializeAsync()
    {
        try
        {
            _cluster = await OwnCluster.StartAsync();
            StatusSamples.Fill(Cluster);
            _controller = Cluster.StartController();
            await Cluster.UntilAsync(async () => (await Cluster.EventsAsync()).Length > 0, () => "no event");
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async Task DisposeAsync()
    {
        _controller?.Dispose();
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }

    [Fact]
    public async Task The_same_is_there_for_programs()
    {
        JsonNode command = JsonNode.Parse(Operator.Run($"status -o json --kubeconfig {Cluster.Kubeconfig}").Stdout)!;
        JsonNode? page = null;
        await Cluster.UntilAsync(
            async () => JsonNode.DeepEquals(page = JsonNode.Parse((await Controller.HttpAsync("/status/state.json")).Text), command),
            () => $"{page}\n{command}", TimeSpan.FromSeconds(5));
        Assert.Equal("NoMatchingNodeFound", (string?)command["events"]![0]!["reason"]);
        Assert.Equal("bank", (string?)command["routers"]![0]!["name"]);
        Assert.Equal("gate", (string?)Assert.Single(command["attachments"]!.AsArray())!["pod"]);
    }

    [Fact]
    public async Task What_has_not_changed_is_not_sent_again()
    {
        await Cluster.UntilAsync("shop", ["192.168.126.100@n1", "192.168.126.101@n2"]);
        using var client = new HttpClient();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await using Stream stream = await client.GetStreamAsync(
            new Uri($"http://127.0.0.1:{Controller.Port()}/status/changes"), limit.Token);
        using var reader = new StreamReader(stream);
        Assert.Contains("\"reset\":true", await NextAsync(), StringComparison.Ordinal);
        // The heartbeat of a kubelet changes a Node, but nothing that the page shows.
        Cluster.Server.Apply(Samples.NodePart("n1", new JsonObject { ["status"] = new JsonObject { ["nodeInfo"] = new JsonObject() } }));
        Cluster.Server.Apply(Samples.EgressIP("new", "10.9.9.8"));
        string next = "";
        while (!next.Contains("egressIPs/new", StringComparison.Ordinal))
        {
            next = await NextAsync();
            Assert.DoesNotContain("\"set\":{},\"gone\":[]", next, StringComparison.Ordinal);
            Assert.DoesNotContain("egressIPs/shop", next, StringComparison.Ordinal);
        }

        async Task<string> NextAsync()
        {
            string line = "";
            while (!line.StartsWith("data: ", StringComparison.Ordinal))
            {
                line = await reader.ReadLineAsync(limit.Token) ?? throw new InvalidOperationException("the stream has ended");
            }

            return line;
        }
    }

    [Theory]
    [InlineData("GET", "/status/changes", "localhost", 200)]
    [InlineData("GET", "/status/state.json", "127.0.0.1", 200)]
    [InlineData("GET", "/status/state.json", "[::1]", 200)]
    [InlineData("GET", "/status/state.json", "attacker.example", 403)]
    [InlineData("GET", "/status/changes", "attacker.example", 403)]
    [InlineData("GET", "/status/", "10.0.0.1", 403)]
    [InlineData("POST", "/status/state.json", "localhost", 405)]
    [InlineData("GET", "/status/../healthz", "localhost", 200)]
    [InlineData("GET", "/status/page.html", "localhost", 404)]
    [InlineData("GET", "/", "localhost", 302)]
    public async Task Requests_are_answered_or_refused(string method, string path, string host, int code) =>
        Assert.Equal(code, await CodeAsync(IPAddress.Loopback, method, path, host));

    [Fact]
    public async Task Other_hosts_see_it_only_if_their_network_is_named()
    {
        // An address of this machine that is not a loopback one stands for another host.
        IPAddress own = NetworkInterface.GetAllNetworkInterfaces().SelectMany(link => link.GetIPProperties().UnicastAddresses)
            .Select(address => address.Address).FirstOrDefault(address =>
                address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address))
            ?? throw new InvalidOperationException("this machine has no IPv4 address but loopback ones");
        Assert.Equal(403, await CodeAsync(own, "GET", "/status/", own.ToString()));
        Assert.Equal(403, await CodeAsync(own, "GET", "/status/", "localhost"));
        Assert.Equal(200, await CodeAsync(own, "GET", "/healthz", own.ToString()));
        Controller.Dispose();
        _controller = Cluster.StartController("--status-from", $"{own}/32").UntilItLeads();
        Assert.Equal(200, await CodeAsync(own, "GET", "/status/", "egress.example"));
    }

    private async Task<int> CodeAsync(IPAddress address, string method, string path, string host)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(address, Controller.Port());
        NetworkStream stream = client.GetStream();
        stream.ReadTimeout = 10_000;
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n"));
        using var reader = new StreamReader(stream);
        string line = await reader.ReadLineAsync() ?? "";
        return int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
    }
}
