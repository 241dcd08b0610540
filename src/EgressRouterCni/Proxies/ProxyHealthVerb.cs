using System.Net;
using EgressRouter.Legacy;
using EgressRouter.Tools;
using EgressRouterCni.CommandLine;

namespace EgressRouterCni.Proxies;

/// <summary>
/// <c>egress-router proxy-health</c>: whether clients can be served now. The egress interface has its address, the proxy
/// answers, and of the DNS proxy's destinations one at least can be reached.
/// </summary>
internal static class ProxyHealthVerb
{
    public static int Run(Arguments arguments, Screen screen)
    {
        string directory = arguments.Text("directory") ?? ProxyVerb.DefaultDirectory;
        int seconds = arguments.Number("timeout", 1, 60) ?? 2;
        string kind = arguments.Operand("http-proxy|dns-proxy");
        if (kind is not ("http-proxy" or "dns-proxy"))
        {
            throw new InputException($"{kind} is neither http-proxy nor dns-proxy");
        }

        try
        {
            ProxyPod pod = ProxyPodReader.Read(arguments.Text("interface"), directory);
            string config = Path.Combine(directory, kind == "http-proxy" ? ProxyProgram.Squid.ConfigName : ProxyProgram.Haproxy.ConfigName);
            if (SourcesOf(File.ReadAllText(config)).FirstOrDefault(source => !pod.Sources.Contains(source) && !pod.ClientSide.Contains(source)) is IPAddress gone)
            {
                throw new InputException($"the egress interface has not got {gone} any more");
            }

            (bool isHealthy, string what) = kind == "http-proxy" ? AskSquid(seconds) : AskHaproxy($"{directory}/{HaproxyConfig.SocketName}", seconds);
            screen.Line(isHealthy ? Piece.Good(what) : Piece.Bad(what));
            return isHealthy ? OperatorTools.Fine : OperatorTools.Found;
        }
        catch (IOException silent)
        {
            screen.Line(Piece.Bad($"the proxy does not answer: {silent.Message}"));
        }
        catch (InputException missing)
        {
            screen.Line(Piece.Bad(missing.Message));
        }

        return OperatorTools.Found;
    }

    /// <summary>The addresses that a configuration lets connections begin from, but for those that nobody has.</summary>
    private static IEnumerable<IPAddress> SourcesOf(string config)
    {
        string[] words = config.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        for (int i = 0; i + 1 < words.Length; i++)
        {
            if (words[i] is "tcp_outgoing_address" or "source" && IPEndPoint.TryParse(words[i + 1], out IPEndPoint? source) && !SquidConfig.IsNobodys(source.Address))
            {
                yield return source.Address;
            }
        }
    }

    /// <summary>A request of its own that it has to refuse: no other program is asked, and none of the list's rules matters.</summary>
    private static (bool IsHealthy, string What) AskSquid(int seconds)
    {
        string answer = LocalQuestion.AskPort(SquidConfig.Port, "GET health HTTP/1.0\r\n\r\n", seconds);
        return answer.StartsWith("HTTP/", StringComparison.Ordinal) ? (true, "the proxy answers") : (false, "what answers is no HTTP proxy");
    }

    private static (bool IsHealthy, string What) AskHaproxy(string socket, int seconds)
    {
        // CSV: proxy, server, ... of which the 18th is the status.
        const int status = 17;
        var down = new List<string>();
        int all = 0;
        foreach (string line in LocalQuestion.AskSocket(socket, "show stat\n", seconds).Split('\n'))
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
