using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace EgressOperator.Tests.Infrastructure;

/// <summary>A headless Chromium with one page, led by the Chrome DevTools Protocol.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _profile = Directory.CreateTempSubdirectory("er-browser-");

    private readonly ClientWebSocket _socket = new();

    private readonly Process _process;

    private int _calls;

    private Browser() => _process = Process.Start(
        new ProcessStartInfo("chromium", [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-precise-memory-info", "--remote-debugging-port=0",
            $"--user-data-dir={_profile.FullName}", "about:blank",
        ])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;

    /// <summary>What the page has told in its console: faults of its script, and what the Content-Security-Policy refused.</summary>
    public List<string> Faults { get; } = [];

    public static async Task<Browser> StartAsync()
    {
        var browser = new Browser();
        try
        {
            await browser.ConnectAsync();
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }

        return browser;
    }

    public async Task OpenAsync(string address)
    {
        await CallAsync("Page.navigate", new JsonObject { ["url"] = address });
        await UntilAsync($"location.href === '{address}' && document.readyState === 'complete'");
    }

    /// <summary>The size of the window, and which colors its user prefers.</summary>
    public async Task SetViewAsync(int width, int height, bool isDark)
    {
        await CallAsync("Emulation.setDeviceMetricsOverride", new JsonObject
        {
            ["width"] = width,
            ["height"] = height,
            ["deviceScaleFactor"] = 1,
            ["mobile"] = false,
        });
        await CallAsync("Emulation.setEmulatedMedia", new JsonObject
        {
            ["features"] = new JsonArray(new JsonObject
            {
                ["name"] = "prefers-color-scheme",
                ["value"] = isDark ? "dark" : "light",
            }),
        });
    }

    public Task PressAsync(string key) => CallAsync("Input.dispatchKeyEvent", new JsonObject
    {
        ["type"] = "keyDown",
        ["key"] = key,
        ["code"] = key,
        ["windowsVirtualKeyCode"] = key == "Tab" ? 9 : 13,
        ["text"] = key == "Enter" ? "\r" : "",
    });

    /// <summary>The value of an expression of the page.</summary>
    public async Task<JsonElement> ValueAsync(string expression)
    {
        JsonElement answer = await CallAsync("Runtime.evaluate", new JsonObject
        {
            ["expression"] = expression,
            ["returnByValue"] = true,
            ["awaitPromise"] = true,
        });
        Assert.False(answer.TryGetProperty("exceptionDetails", out JsonElement fault), $"{expression}: {fault}");
        return answer.GetProperty("result").TryGetProperty("value", out JsonElement value) ? value : default;
    }

    public async Task<string> TextAsync() => (await ValueAsync("document.body.innerText")).GetString()!;

    /// <summary>Waits until an expression of the page is true.</summary>
    /// <returns>How long it took.</returns>
    public async Task<TimeSpan> UntilAsync(string expression)
    {
        long began = Stopwatch.GetTimestamp();
        while ((await ValueAsync($"!!({expression})")).ValueKind != JsonValueKind.True)
        {
            if (Stopwatch.GetElapsedTime(began) > _limit)
            {
                Assert.Fail($"{expression} does not become true; the page has {await TextAsync()}\n{string.Join('\n', Faults)}");
            }

            await Task.Delay(20);
        }

        return Stopwatch.GetElapsedTime(began);
    }

    public Task CollectGarbageAsync() => CallAsync("HeapProfiler.collectGarbage", []);

    /// <summary>A picture of the top of the page (PNG).</summary>
    public async Task<byte[]> PictureAsync() =>
        (await CallAsync("Page.captureScreenshot", [])).GetProperty("data").GetBytesFromBase64();

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _profile.Delete(recursive: true);
    }

    private async Task ConnectAsync()
    {
        using var limit = new CancellationTokenSource(_limit);
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        var told = new FileInfo(Path.Combine(_profile.FullName, "DevToolsActivePort"));
        while (!told.Exists || told.Length == 0)
        {
            Assert.False(_process.HasExited, "chromium has ended");
            await Task.Delay(20, limit.Token);
            told.Refresh();
        }

        using var http = new HttpClient();
        string port = File.ReadLines(told.FullName).First();
        string pages = await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/json/list"), limit.Token);
        JsonNode page = JsonNode.Parse(pages)!.AsArray().First(one => (string?)one!["type"] == "page")!;
        await _socket.ConnectAsync(new Uri((string)page["webSocketDebuggerUrl"]!), limit.Token);
        await CallAsync("Page.enable", []);
        await CallAsync("Runtime.enable", []);
        await CallAsync("Log.enable", []);
    }

    private async Task<JsonElement> CallAsync(string method, JsonObject parameters)
    {
        using var limit = new CancellationTokenSource(_limit);
        int id = ++_calls;
        var call = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters };
        await _socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(call), WebSocketMessageType.Text, true, limit.Token);
        while (true)
        {
            JsonElement message = await ReceiveAsync(limit.Token);
            if (message.TryGetProperty("id", out JsonElement answered) && answered.GetInt32() == id)
            {
                Assert.False(message.TryGetProperty("error", out JsonElement error), $"{method}: {error}");
                return message.GetProperty("result");
            }

            if (message.TryGetProperty("method", out JsonElement told) && told.GetString() is "Runtime.exceptionThrown" or "Log.entryAdded")
            {
                Faults.Add(message.GetProperty("params").ToString());
            }
        }
    }

    private async Task<JsonElement> ReceiveAsync(CancellationToken limit)
    {
        using var text = new MemoryStream();
        var buffer = new byte[65536];
        ValueWebSocketReceiveResult part;
        do
        {
            part = await _socket.ReceiveAsync(buffer.AsMemory(), limit);
            text.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);
        using var document = JsonDocument.Parse(text.ToArray());
        return document.RootElement.Clone();
    }
}
