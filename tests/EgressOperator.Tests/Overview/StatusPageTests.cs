using System.Text.Json.Nodes;
using EgressOperator.Tests.Controller;
using EgressOperator.Tests.Infrastructure;
using Shared;

namespace EgressOperator.Tests.Overview;

/// <summary>The page of the controller, in Chromium.</summary>
public sealed class StatusPageTests : IAsyncLifetime
{
    /// <summary>127.0.0.12 is n1, 127.0.0.51 is n2, 127.0.0.53 is n3.</summary>
    private readonly FakeAgents _agents = FakeAgents.Start(node => node.ToString() switch
    {
        "127.0.0.12" => ["192.168.126.100"],
        _ => ["192.168.126.101"],
    });

    private OwnCluster? _cluster;

    private ControllerProcess? _controller;

    private Browser? _browser;

    private OwnCluster Cluster => _cluster!;

    private ControllerProcess Controller => _controller!;

    private Browser Browser => _browser!;

    public async Task InitializeAsync()
    {
        try
        {
            _cluster = await OwnCluster.StartAsync();
            StatusSamples.Fill(Cluster);
            _controller = Cluster.StartController("--agent-port", _agents.Port);
            await Cluster.UntilAsync("shop", ["192.168.126.100@n1", "192.168.126.101@n2"]);
            _browser = await Browser.StartAsync();
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _controller?.Dispose();
        _agents.Dispose();
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }

    [Fact]
    public async Task It_shows_the_cluster_and_what_changes()
    {
        await Browser.OpenAsync(Page());
        await Browser.UntilAsync("document.querySelectorAll('#nodes tbody tr').length === 3 && document.querySelector('#live').innerText.includes('live')");
        await Browser.UntilAsync("document.querySelectorAll('#attachments tbody tr').length > 0");
        string text = await Browser.TextAsync();
        Assert.All(
            ["192.168.126.100", "shop", "lost", "10.9.9.9 has no node", "EgressIP lost", "2 pods", "egress nodes ready", "3 of 3", "default/bank",
                "192.168.12.99", "the router is not available", "the pod of a router is not ready"],
            part => Assert.Contains(part, text, StringComparison.Ordinal));

        Assert.Equal(
            ["default/gate n3 net1 of default/gate 192.168.12.98 no"],
            (await Browser.ValueAsync("[...document.querySelectorAll('#attachments tbody tr')].map(row => row.innerText.replace(/\\s+/g, ' ').trim())"))
                .EnumerateArray().Select(row => row.GetString()));
        Cluster.Server.Apply(Samples.Of("v1", "Pod", "gate", new JsonObject
        {
            ["metadata"] = new JsonObject { ["namespace"] = "default" },
            ["status"] = Samples.Ready("True"),
        }));
        await Browser.UntilAsync("!document.querySelector('#problems').innerText.includes('the pod of a router is not ready')");

        // A node is lost: its address moves, and that is on the time line.
        Cluster.Server.Apply(Samples.NodePart("n2", new JsonObject { ["status"] = Samples.Ready("Unknown") }));
        await Cluster.UntilAsync("shop", ["192.168.126.100@n1", "192.168.126.101@n3"]);
        await Browser.UntilAsync(
            "[...document.querySelectorAll('#addresses tr')].some(row => row.innerText.includes('192.168.126.101') && row.innerText.includes('n3'))");
        await Browser.UntilAsync("document.querySelector('#day').innerText.includes('moves from n2 to n3: n2 is not ready')");
        await Browser.UntilAsync("document.querySelectorAll('#timeline circle').length > 0");
        Assert.Contains("the node is not ready", await Browser.TextAsync(), StringComparison.Ordinal);
        Assert.Empty(Browser.Faults);
    }

    [Theory]
    [InlineData(1280, false, "wide-light")]
    [InlineData(1280, true, "wide-dark")]
    [InlineData(390, false, "narrow-light")]
    [InlineData(390, true, "narrow-dark")]
    public async Task It_fits_the_window_and_the_colors(int width, bool isDark, string name)
    {
        Cluster.Server.Apply(Samples.NodePart("n2", new JsonObject { ["status"] = Samples.Ready("Unknown") }));
        await Cluster.UntilAsync("shop", ["192.168.126.100@n1", "192.168.126.101@n3"]);
        await Browser.SetViewAsync(width, 1000, isDark);
        await Browser.OpenAsync(Page());
        await Browser.UntilAsync("document.querySelectorAll('#timeline circle').length >= 2 && document.querySelectorAll('#nodes tbody tr').length === 3");
        await Browser.UntilAsync("document.querySelectorAll('#addresses .spark').length === 4");

        Assert.Equal(width, (await Browser.ValueAsync("document.documentElement.scrollWidth")).GetInt32());
        // Whatever has text is in the window, and can be read (WCAG 2.1, 1.4.3).
        string check = File.ReadAllText(Repository.PathOf("testdata", "egressip", "page", "check.js"));
        Assert.Equal("", (await Browser.ValueAsync(check)).GetString());
        string back = (await Browser.ValueAsync("getComputedStyle(document.body).backgroundColor")).GetString()!;
        Assert.Equal(isDark ? "rgb(15, 19, 24)" : "rgb(255, 255, 255)", back);

        byte[] picture = await Browser.PictureAsync();
        Assert.True(picture.Length > 20_000, $"the picture has {picture.Length} bytes");
        if (Environment.GetEnvironmentVariable("UPDATE_PICTURES") == "1")
        {
            File.WriteAllBytes(Repository.PathOf("docs", "pictures", $"status-{name}.png"), picture);
        }
    }

    [Fact]
    public async Task It_is_used_by_keyboard()
    {
        await Browser.SetViewAsync(1280, 1000, isDark: false);
        await Browser.OpenAsync(Page());
        await Browser.UntilAsync("document.querySelector('#objects details')");
        List<string> reached = [];
        for (int press = 0; press < 20; press++)
        {
            await Browser.PressAsync("Tab");
            reached.Add((await Browser.ValueAsync("document.activeElement.id || document.activeElement.innerText || document.activeElement.tagName")).GetString()!);
        }

        Assert.Equal("Skip to the content", reached[0]);
        Assert.Contains("filter", reached);
        Assert.Contains("2 pods", reached);
        Assert.Equal("2px", (await Browser.ValueAsync(
            "document.querySelector('#filter').focus(), getComputedStyle(document.activeElement).outlineWidth")).GetString());
        await Browser.ValueAsync("document.querySelector('#filter').value = 'lost', document.querySelector('#filter').dispatchEvent(new Event('input'))");
        await Browser.UntilAsync("document.querySelectorAll('#objects tbody tr').length === 1");
    }

    [Fact]
    public async Task Names_are_text()
    {
        JsonObject evil = Samples.EgressIP("evil", "192.168.126.300<img src=x onerror=alert(1)>");
        Cluster.Server.Apply(evil);
        await Browser.OpenAsync(Page());
        await Browser.UntilAsync("document.querySelector('#problems').innerText.includes('<img src=x')");
        Assert.Equal(0, (await Browser.ValueAsync("document.querySelectorAll('main img').length")).GetInt32());
    }

    [Fact]
    public async Task It_tells_when_the_controller_is_gone()
    {
        await Browser.OpenAsync(Page());
        await Browser.UntilAsync("document.querySelector('#live')?.innerText.includes('live')");
        Assert.Equal(0, Controller.Terminate());
        await Browser.UntilAsync("document.querySelector('#live').className === 'lost'");
        Assert.Contains("192.168.126.100", await Browser.TextAsync(), StringComparison.Ordinal);
    }

    private string Page() => $"http://127.0.0.1:{Controller.Port()}/status/";
}
