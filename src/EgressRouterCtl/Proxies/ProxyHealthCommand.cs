using System.Net;
using System.Net.Sockets;
using CommandLine;
using EgressRouter.Legacy;
using EgressRouter.Tools;

namespace EgressRouterCtl.Proxies;

/// <summary>
/// <c>egress-routerctl proxy-health</c>: succeeds if the egress interface has its address, the proxy answers, and, for the DNS proxy,
/// at least one destination is reachable.
/// </summary>
[Verb("proxy-health", HelpText = "Check whether the proxy of this pod can serve clients: for a readiness probe.")]
[Examples("egress-routerctl proxy-health http-proxy")]
internal sealed class ProxyHealthCommand : Command
{
    [Value(0, MetaName = "http-proxy|dns-proxy", HelpText = "The proxy.")]
    public string? Kind { get; set; }

    [Option("interface", MetaValue = "NAME", HelpText = "Name of the egress interface, as for the proxy.")]
    public string? Interface { get; set; }

    [Option("directory", MetaValue = "PATH", Default = ProxyCommand.DefaultDirectory, HelpText = "Folder of its configuration and socket.")]
    public string Folder { get; set; } = "";

    [Option("timeout", MetaValue = "SECONDS", Default = 2, HelpText = "How long to wait, 1 to 60.")]
    public int Timeout { get; set; }

    protected override int Run(CommandContext context)
    {
        Screen screen = context.Screen;
        TimeSpan limit = TimeSpan.FromSeconds(InRange("timeout", Timeout, 1, 60));
        if (Kind is not ("http-proxy" or "dns-proxy"))
        {
            throw new UsageException($"the proxy must be http-proxy or dns-proxy, not {Kind}");
        }

        try
        {
            ProxyPod pod = ProxyPodReader.Read(Interface, Folder);
            ProxyProgram program = Kind == "http-proxy" ? ProxyProgram.Squid : ProxyProgram.Haproxy;
            if (program.SourcesOf(Folder).FirstOrDefault(source => !pod.Sources.Contains(source)) is IPAddress gone)
            {
                throw new UsageException($"the egress interface has not got {gone} any more");
            }

            (bool isHealthy, string what) = Kind == "http-proxy" ? AskSquid(limit)
                : AskHaproxy($"{Folder}/{HaproxyConfig.SocketName}", limit);
            screen.Line(isHealthy ? Styled.Good(what) : Styled.Bad(what));
            return isHealthy ? ExitCode.Ok : ExitCode.ProblemsFound;
        }
        catch (IOException silent)
        {
            screen.Line(Styled.Bad($"the proxy does not answer: {silent.Message}"));
        }
        catch (UsageException missing)
        {
            screen.Line(Styled.Bad(missing.Message));
        }

        return ExitCode.ProblemsFound;
    }

    /// <summary>Sends a request that squid must refuse: no other program is involved, and none of the list's rules matters.</summary>
    private static (bool IsHealthy, string What) AskSquid(TimeSpan limit)
    {
        string answer = ProxyClient.Ask(new IPEndPoint(IPAddress.Loopback, SquidConfig.Port), "GET health HTTP/1.0\r\n\r\n", limit);
        return answer.StartsWith("HTTP/", StringComparison.Ordinal) ? (true, "the proxy answers")
            : (false, "what answers is no HTTP proxy");
    }

    private static (bool IsHealthy, string What) AskHaproxy(string socket, TimeSpan limit)
    {
        // CSV: proxy, server, ...; the 18th field is the status.
        const int status = 17;
        var down = new List<string>();
        int all = 0;
        foreach (string line in ProxyClient.Ask(new UnixDomainSocketEndPoint(socket), "show stat\n", limit).Split('\n'))
        {
            string[] fields = line.Split(',');
            if (fields.Length > status && fields[1] == "BACKEND")
            {
                all++;
                if (fields[status] != "UP")
                {
                    down.Add(fields[0].Replace("port_", "", StringComparison.Ordinal));
                }
            }
        }

        return down.Count == all
            ? (false, "no destination can be reached")
            : (true, down.Count == 0 ? $"the proxy answers, {all} destination{(all == 1 ? "" : "s")}" : $"the proxy answers; not reached: the destination{(down.Count == 1 ? "" : "s")} of port {string.Join(", ", down)}");
    }
}
