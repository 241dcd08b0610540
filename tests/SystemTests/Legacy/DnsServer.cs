namespace SystemTests.Legacy;

/// <summary>A real DNS server in the lab's outside, at <see cref="Address"/>, whose answers can be changed.</summary>
internal sealed class DnsServer : IDisposable
{
    public const string Address = "192.168.12.92";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("er-dns-");
    private readonly BackgroundProcess _server;

    /// <param name="lab">The lab.</param>
    /// <param name="hosts">Lines of an address and its names.</param>
    public DnsServer(Lab lab, string hosts)
    {
        File.WriteAllText(Hosts, hosts + "\n");
        _server = new BackgroundProcess(
            lab.Lan, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", $"--addn-hosts={Hosts}",
            $"--listen-address={Address}",
            "--bind-interfaces", "--pid-file=", "--user=root", "--log-facility=-");
        _server.WaitUntil(() => Lab.In(lab.Lan, "ss", "-Hlun").Contains($"{Address}:53", StringComparison.Ordinal));
    }

    private string Hosts => Path.Combine(_folder.FullName, "hosts");

    /// <summary>Answers otherwise from now on.</summary>
    public void Change(string hosts)
    {
        File.WriteAllText(Hosts, hosts + "\n");
        Command.Must("kill", ["-HUP", $"{_server.Id}"]);
    }

    /// <summary>Answers nobody any more.</summary>
    public void Stop() => _server.Dispose();

    public void Dispose()
    {
        _server.Dispose();
        _folder.Delete(recursive: true);
    }
}
