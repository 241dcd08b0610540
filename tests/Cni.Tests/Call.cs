using System.Text;
using System.Text.Json;

namespace Cni.Tests;

/// <summary>A plugin call without a process: environment and stdin in; exit code, stdout and stderr out.</summary>
internal sealed class Call : ICniPlugin
{
    public const string Config = """{"cniVersion":"1.0.0","name":"net","type":"egress-router"}""";

    public Dictionary<string, string> Environment { get; } = new()
    {
        ["CNI_COMMAND"] = "ADD",
        ["CNI_CONTAINERID"] = "c0ffee",
        ["CNI_NETNS"] = "/run/netns/pod",
        ["CNI_IFNAME"] = "net1",
        ["CNI_PATH"] = "/opt/cni/bin:/usr/lib/cni",
    };

    public byte[] Stdin { get; set; } = Encoding.UTF8.GetBytes(Config);

    public Action<CniRequest> Work { get; set; } = _ => { };

    public CniResult Result { get; set; } = new([], [new(System.Net.IPAddress.Parse("192.0.2.1"), 24, null, null)], [], null);

    /// <summary>The request that the plugin received, or null if it received none.</summary>
    public CniRequest? Request { get; private set; }

    public int ExitCode { get; private set; }

    public string Stdout { get; private set; } = "";

    public string Stderr { get; private set; } = "";

    /// <summary>The version that an error object would have.</summary>
    public string ConfigVersion { get; private set; } = "";

    public static Call Of(string command, string config = Config) =>
        new() { Environment = { ["CNI_COMMAND"] = command }, Stdin = Encoding.UTF8.GetBytes(config) };

    public Call Run(Stream? stdin = null, Stream? stdout = null)
    {
        using var answer = new MemoryStream();
        using var stderr = new StringWriter();
        using var text = new MemoryStream(Stdin);
        var host = new PluginHost(Environment.GetValueOrDefault, stdin ?? text, stdout ?? answer, stderr, "test 0.0", "CNI plugin test v0");
        try
        {
            ExitCode = host.Run(this);
        }
        finally
        {
            Stdout = Encoding.UTF8.GetString(answer.ToArray());
            Stderr = stderr.ToString();
            ConfigVersion = host.ConfigVersion;
        }

        return this;
    }

    /// <summary>Runs the call; expects exactly one error object, no other output, and that the plugin was not called.</summary>
    public JsonElement RunToError(CniErrorCode code)
    {
        Run();
        Assert.Equal(1, ExitCode);
        Assert.Null(Request);
        JsonElement error = OneObject();
        Assert.Equal((int)code, error.GetProperty("code").GetInt32());
        return error;
    }

    /// <summary>Parses stdout, which must be one JSON object on one line.</summary>
    public JsonElement OneObject()
    {
        Assert.EndsWith("}\n", Stdout, StringComparison.Ordinal);
        Assert.Equal(Stdout.Length - 1, Stdout.IndexOf('\n', StringComparison.Ordinal));
        using JsonDocument document = JsonDocument.Parse(Stdout, new() { AllowDuplicateProperties = false });
        return document.RootElement.Clone();
    }

    CniResult ICniPlugin.Add(CniRequest request)
    {
        Receive(request);
        return Result;
    }

    void ICniPlugin.Check(CniRequest request) => Receive(request);

    void ICniPlugin.Delete(CniRequest request) => Receive(request);

    void ICniPlugin.Status(CniRequest request) => Receive(request);

    void ICniPlugin.CollectGarbage(CniRequest request) => Receive(request);

    private void Receive(CniRequest request)
    {
        Request = request;
        Work(request);
    }
}
