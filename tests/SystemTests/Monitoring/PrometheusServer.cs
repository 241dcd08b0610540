using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Shared;

namespace SystemTests.Monitoring;

/// <summary>Debian's Prometheus, on a port of the loopback interface. It ends with its data.</summary>
internal sealed class PrometheusServer : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("er-prometheus-");

    private readonly HttpClient _client = new() { Timeout = TimeSpan.FromSeconds(10) };

    private readonly Process _process;

    public PrometheusServer(string config)
    {
        string file = Path.Combine(_folder.FullName, "prometheus.yml");
        File.WriteAllText(file, config);
        string listen = $"127.0.0.1:{FreePort()}";
        _client.BaseAddress = new Uri($"http://{listen}/");
        // Its log goes to a file: nobody reads a pipe.
        _process = Process.Start("/bin/sh", ["-c", $"exec \"$0\" \"$@\" 2>{LogFile}",
            "prometheus", $"--config.file={file}", $"--storage.tsdb.path={_folder.FullName}/data", $"--web.listen-address={listen}"]);
        if (!Eventually.Becomes(() => _process.HasExited || IsReady(), seconds: 30) || _process.HasExited)
        {
            string log = File.ReadAllText(LogFile);
            Dispose();
            throw new InvalidOperationException($"prometheus did not start: {log}");
        }
    }

    private string LogFile => Path.Combine(_folder.FullName, "log");

    /// <summary>The samples of an instant query.</summary>
    public JsonArray Query(string expression) => Get("query?query=" + Uri.EscapeDataString(expression))["result"]!.AsArray();

    /// <summary>The part <c>data</c> of an answer of the API; fails with the reason if it refuses.</summary>
    public JsonNode Get(string path)
    {
        using HttpResponseMessage answer = _client.GetAsync(new Uri("api/v1/" + path, UriKind.Relative)).GetAwaiter().GetResult();
        string text = answer.Content.ReadAsStringAsync().GetAwaiter().GetResult();
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {text}");
        return JsonNode.Parse(text)!["data"]!;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.WaitForExit();
        _process.Dispose();
        _client.Dispose();
        _folder.Delete(recursive: true);
    }

    private bool IsReady()
    {
        try
        {
            using HttpResponseMessage answer = _client.GetAsync(new Uri("-/ready", UriKind.Relative)).GetAwaiter().GetResult();
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>Prometheus does not tell a port that the kernel has chosen.</summary>
    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
