namespace SystemTests.Legacy;

/// <summary>A lab whose pod has an egress interface without destinations, and the names of the outside.</summary>
internal sealed class ProxyLab : IDisposable
{
    private readonly List<IDisposable> _parts = [];

    /// <param name="hosts">What the DNS server answers.</param>
    /// <param name="dualStack">Whether there is an IPv6 egress address too.</param>
    /// <param name="inbound">Whether new connections from outside get into the pod: the proxy itself has to refuse them.</param>
    public ProxyLab(string hosts, bool dualStack = false, bool inbound = false)
    {
        Lab = Keep(new Lab());
        try
        {
            Lab.Add(Config.Changed(dualStack ? Config.DualStack : Config.Redirect, config =>
            {
                config["ip"]!.AsObject().Remove("destinations");
                config["inbound"] = inbound ? "allow" : "deny";
            }));
            // As the manifests set it: an ordinary user may have the ports below 1024.
            Lab.WriteSysctl(Lab.Pod, "net/ipv4/ip_unprivileged_port_start", "0");
            Dns = Keep(new DnsServer(Lab, hosts));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public Lab Lab { get; }

    public DnsServer Dns { get; }

    /// <summary>Starts a server in the outside.</summary>
    public LineServer Serve(string address, int port) => Keep(new LineServer(Lab.Lan, address, port));

    /// <summary>Starts a server elsewhere.</summary>
    public LineServer ServeIn(string name, string address, int port) => Keep(new LineServer(name, address, port));

    /// <summary>Starts a proxy that is ready.</summary>
    public ProxyProcess Start(string verb, string list, bool asFile = false, bool isDebugging = false) =>
        Keep(new ProxyProcess(Lab, verb, list, asFile, isDebugging)).Ready();

    /// <summary>A page by the HTTP proxy: its text, or its status where it is no page; null where nobody answers.</summary>
    public static string? Get(string from, string url, string proxy = Lab.PodAddress, string? source = null)
    {
        using Conversation? client = Conversation.Open(from, proxy, 8080, source, milliseconds: 1500);
        string? answer = client?.AskAll($"GET {url} HTTP/1.0\r\n\r\n");
        return answer is null || !answer.Contains(" 200 ", StringComparison.Ordinal) ? Status(answer)
            : answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
    }

    /// <summary>A tunnel by the HTTP proxy; null, and its status, where there is none.</summary>
    public static (Conversation? Tunnel, string? Status) Tunnel(string from, string target, string proxy = Lab.PodAddress)
    {
        Conversation? client = Conversation.Open(from, proxy, 8080);
        string? status = Status(client?.Ask($"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"));
        if (status == "200")
        {
            client!.SkipHeaders();
            return (client, status);
        }

        client?.Dispose();
        return (null, status);
    }

    public void Dispose()
    {
        for (int i = _parts.Count - 1; i >= 0; i--)
        {
            _parts[i].Dispose();
        }
    }

    private static string? Status(string? answer) => answer?.Split(' ') is [_, string status, ..] ? status : answer;

    private T Keep<T>(T part)
        where T : IDisposable
    {
        _parts.Add(part);
        return part;
    }
}
