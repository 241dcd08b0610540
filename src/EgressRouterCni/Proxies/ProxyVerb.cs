using System.Collections.Immutable;
using System.Net;
using EgressRouter.Legacy;
using EgressRouter.Tools;
using EgressRouterCni.CommandLine;

namespace EgressRouterCni.Proxies;

/// <summary><c>egress-router http-proxy</c> and <c>egress-router dns-proxy</c>.</summary>
internal sealed class ProxyVerb
{
    /// <summary>Where configurations and sockets are, if nothing else is said.</summary>
    public const string DefaultDirectory = "/run/egress-router";

    private readonly ProxyProgram _program;
    private readonly string _variable;
    private readonly Func<string?, Func<ProxyPod>, ICollection<LegacyFault>, string> _configure;

    private ProxyVerb(ProxyProgram program, string variable, Func<string?, Func<ProxyPod>, ICollection<LegacyFault>, string> configure) =>
        (_program, _variable, _configure) = (program, variable, configure);

    public static int RunHttp(Arguments arguments, Screen screen, Stream stdin) => new ProxyVerb(ProxyProgram.Squid, HttpProxyList.Variable, (text, pod, faults) =>
    {
        ImmutableArray<HttpRule> rules = HttpProxyList.Read(text, faults);
        return faults.Count > 0 ? "" : SquidConfig.Of(rules, pod(), IsSet("EGRESS_HTTP_PROXY_DEBUG"));
    }).Run(arguments, screen, stdin);

    public static int RunDns(Arguments arguments, Screen screen, Stream stdin) => new ProxyVerb(ProxyProgram.Haproxy, DnsProxyList.Variable, (text, readPod, faults) =>
    {
        int idleSeconds = arguments.Number("idle-timeout", 1, HaproxyConfig.MaxIdleSeconds) ?? HaproxyConfig.DefaultIdleSeconds;
        ImmutableArray<DnsRule> rules = DnsProxyList.Read(text, faults);
        if (faults.Count > 0)
        {
            return "";
        }

        ProxyPod pod = readPod();
        foreach (DnsRule rule in rules)
        {
            string? reason = rule.Address is IPAddress address ? pod.WhyNotTo(address)
                : pod.Nameservers.IsEmpty ? $"there is no DNS server in /etc/resolv.conf to ask for {rule.Name}" : null;
            if (reason is not null)
            {
                faults.Add(new LegacyFault(0, $"port {rule.Port}: {reason}"));
            }
        }

        return HaproxyConfig.Of(rules, pod, IsSet("EGRESS_DNS_PROXY_DEBUG"), idleSeconds);
    }).Run(arguments, screen, stdin);

    private int Run(Arguments arguments, Screen screen, Stream stdin)
    {
        string? file = arguments.Text("file");
        string directory = arguments.Text("directory") ?? DefaultDirectory;
        if (file == "-")
        {
            throw new InputException("--file -: the list has to be a file, which is read again on SIGHUP");
        }

        using ProxySignals? signals = arguments.Has("print") ? null : new ProxySignals();
        if (Configure(file, arguments.Text("interface"), directory, stdin) is not string text)
        {
            return OperatorTools.Found;
        }

        if (signals is null)
        {
            screen.Lines(text.TrimEnd('\n'));
            return OperatorTools.Fine;
        }

        string path = _program.Write(directory, text);
        if (file is null)
        {
            _program.Become(path);
        }

        return _program.Supervise(path, signals, () =>
        {
            try
            {
                if (Configure(file, arguments.Text("interface"), directory, stdin) is string changed)
                {
                    if (changed == File.ReadAllText(path))
                    {
                        OperatorTools.Complain($"{file} says the same as before");
                        return false;
                    }

                    _ = _program.Write(directory, changed);
                    OperatorTools.Complain($"{file} is read again");
                    return true;
                }
            }
            catch (Exception failure) when (OperatorTools.IsExpected(failure))
            {
                OperatorTools.Complain(failure.Message);
            }

            OperatorTools.Complain($"{_program.Name} goes on with what it had");
            return false;
        });
    }

    /// <summary>The configuration; null where there are faults, all of which have been told.</summary>
    private string? Configure(string? file, string? interfaceName, string directory, Stream stdin)
    {
        var faults = new List<LegacyFault>();
        string? list = file is null ? Environment.GetEnvironmentVariable(_variable) : ConfigSource.ReadText(file, stdin).Text;
        string text = _configure(list, () => ProxyPodReader.Read(interfaceName, directory), faults);
        foreach (LegacyFault fault in faults)
        {
            OperatorTools.Complain($"{file ?? _variable}{(fault.Line > 0 ? $":{fault.Line}" : "")}: {fault.Reason}");
        }

        return faults.Count == 0 ? text : null;
    }

    private static bool IsSet(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 };
}
