using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EgressRouter.Config;

namespace EgressRouter.Legacy;

/// <summary>Writes haproxy's configuration. Every value in it has a validated type: it contains no untrusted text.</summary>
internal static class HaproxyConfig
{
    /// <summary>The maximum number of servers for one name.</summary>
    public const int Servers = 16;

    /// <summary>The name of haproxy's stats socket, which the health check reads.</summary>
    public const string SocketName = "haproxy.sock";

    /// <summary>One day: database connection pools keep idle connections overnight.</summary>
    public const int DefaultIdleSeconds = 24 * 60 * 60;

    /// <summary>haproxy's maximum: it counts milliseconds.</summary>
    public const int MaxIdleSeconds = int.MaxValue / 1000;

    /// <summary>The maximum number of concurrent connections per port, if the limit of open files allows it.</summary>
    private const int MaxConnections = 4000;

    /// <summary>Fewer connections per port cause a warning at start.</summary>
    public const int FewConnections = 500;

    /// <summary>Each reload leaves a worker until its connections end; beyond this number, those of the oldest are ended.</summary>
    private const int OldWorkers = 10;

    /// <summary>The name of the script that disables servers with an unusable address.</summary>
    public const string ScriptName = "haproxy.lua";

    /// <summary>
    /// If a name has no address of the wanted family, haproxy gives the server one of the other family, to which its source cannot be
    /// bound, and retries forever. haproxy 2.6 has no setting that prevents this, and none that excludes link-local addresses.
    /// </summary>
    public const string Script = """
        -- Made by "egress-routerctl dns-proxy": what is changed here is lost.
        -- A server is in use while its address is one of its own family, and not link-local.
        local function isUsable(family, address)
            if address == "<unknown>" then
                return false
            elseif address:find(":.*:") then
                return family == "ipv6" and not address:lower():find("^%[?fe[89ab]%x:")
            end
            return family == "ipv4" and not address:find("^169%.254%.")
        end

        core.register_task(function()
            local inUse = {}
            while true do
                for port, backend in pairs(core.backends) do
                    for name, server in pairs(backend.servers) do
                        local family = name:match("^(ipv[46])_")
                        local key = port .. "/" .. name
                        local usable = family ~= nil and isUsable(family, server:get_addr())
                        if family and usable ~= (inUse[key] or false) then
                            inUse[key] = usable
                            if usable then server:set_ready() else server:set_maint() end
                        end
                    end
                end
                core.msleep(200)
            end
        end)

        """;

    /// <summary>Returns the configuration.</summary>
    /// <param name="isDebugging">Whether to log each connection to standard output.</param>
    /// <param name="idleSeconds">The idle timeout of a connection.</param>
    public static string Of(ImmutableArray<DnsRule> rules, ProxyPod pod, bool isDebugging, int idleSeconds = DefaultIdleSeconds)
    {
        var text = new StringBuilder();
        int connections = ConnectionsPerPort(rules, pod);
        text.Append(CultureInfo.InvariantCulture, $"""
            # Made by "egress-routerctl dns-proxy": what is changed here is lost.
            global
                maxconn {connections * rules.Length}{(isDebugging ? "\n    log stdout format raw local2 info info" : "")}
                stats socket {pod.Directory}/{SocketName} mode 600 level user
                mworker-max-reloads {OldWorkers}{(rules.Any(rule => rule.Name is not null) ? $"\n    lua-load {pod.Directory}/{ScriptName}" : "")}

            defaults
                mode tcp{(isDebugging ? "\n    log global\n    option tcplog\n    option dontlognull" : "")}
                option redispatch
                retries 3
                timeout queue 1m
                timeout connect 10s
                timeout client {idleSeconds}s
                timeout server {idleSeconds}s
                timeout client-fin 1m
                timeout server-fin 1m
                timeout check 10s
                # A side that is gone without a word is found out by TCP, in five minutes and two.
                option clitcpka
                clitcpka-idle 5m
                clitcpka-intvl 30s
                clitcpka-cnt 4
                option srvtcpka
                srvtcpka-idle 5m
                srvtcpka-intvl 30s
                srvtcpka-cnt 4
                # A port's own: one that is full takes nothing from the others.
                maxconn {connections}

            """);
        bool hasNames = false;
        foreach (DnsRule rule in rules)
        {
            hasNames |= rule.Name is not null;
        }

        if (hasNames)
        {
            WriteResolvers(text, pod);
        }

        foreach (DnsRule rule in rules)
        {
            WriteRule(text, rule, pod);
        }

        return text.ToString();
    }

    /// <summary>
    /// haproxy ignores TTLs. It resolves often instead; the DNS server answers from its cache until the TTL expires.
    /// </summary>
    private static void WriteResolvers(StringBuilder text, ProxyPod pod)
    {
        text.Append("\nresolvers dns-resolver\n");
        for (int i = 0; i < pod.Nameservers.Length; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"    nameserver ns{i + 1} {Endpoint(pod.Nameservers[i], 53)}\n");
        }

        text.Append("""
                resolve_retries 3
                timeout resolve 5s
                timeout retry 1s
                accepted_payload_size 8192
                hold valid 5s
                # A DNS server that is silent or ill takes nothing away.
                hold timeout 1h
                hold refused 1h
                hold other 1h

            """);
    }

    private static void WriteRule(StringBuilder text, DnsRule rule, ProxyPod pod)
    {
        text.Append(CultureInfo.InvariantCulture, $"\nlisten port_{rule.Port}\n");
        // Listens on loopback and the other interfaces' addresses, not on the egress one, from which no client comes.
        // Bound to an interface, haproxy could not answer an IPv6 client outside the main table's routes through it.
        foreach (IPAddress own in pod.ClusterAddresses.Concat(pod.Loopback))
        {
            text.Append(CultureInfo.InvariantCulture, $"    bind {Endpoint(own, rule.Port)}\n");
        }

        if (rule.Address is IPAddress address)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"    server dest {Endpoint(address, rule.TargetPort)}{(pod.SourceOf(address.AddressFamily) is IPAddress source4 ? From(source4) : "")} check\n");
            return;
        }

        // Rejects responses of a link-local server until the script has noticed its changed address.
        text.Append(CultureInfo.InvariantCulture, $"    tcp-response content reject if {{ bc_dst -m ip 169.254.0.0/16 fe80::/10 }}\n");

        // A server of the other family than its source cannot be connected to, so that nothing leaves without an egress address.
        // IPv6 servers are the backup of IPv4 ones.
        foreach ((int index, IPAddress source) in Families.All.Select(pod.SourceOf).OfType<IPAddress>().Index())
        {
            string family = source.AddressFamily.Text().ToLowerInvariant();
            text.Append(
                CultureInfo.InvariantCulture,
                $"    server-template {family}_ {Servers} {rule.Name}:{rule.TargetPort}{From(source)} resolvers dns-resolver resolve-prefer {family} init-addr none check disabled{(index > 0 ? " backup" : "")}\n");
        }
    }

    /// <summary>
    /// The maximum number of connections per port. Each takes two file descriptors; haproxy also counts one for each server's check and
    /// one for each address that a port listens on, and takes some for itself.
    /// </summary>
    public static int ConnectionsPerPort(ImmutableArray<DnsRule> rules, ProxyPod pod)
    {
        ArgumentNullException.ThrowIfNull(pod);
        const int own = 100;
        int families = Families.All.Count(family => pod.SourceOf(family) is not null);
        int checks = rules.Sum(rule => rule.Name is null ? 1 : Servers * families);
        int listeners = rules.Length * (pod.ClusterAddresses.Length + pod.Loopback.Length);
        return Math.Clamp((pod.MaxFiles - own - checks - listeners) / 2 / Math.Max(rules.Length, 1), 1, MaxConnections);
    }

    private static string From(IPAddress source) => $" source {Endpoint(source, 0)}";

    private static string Endpoint(IPAddress address, int port) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{(address.AddressFamily == AddressFamily.InterNetwork ? $"{address}" : $"[{address}]")}:{port}");
}
