using System.Collections.Immutable;
using System.Net;
using System.Text.Json;

namespace EgressOperator.Trace;

/// <summary>Why packets of a pod to a destination leave as they do.</summary>
/// <param name="Pod">NAMESPACE/NAME.</param>
/// <param name="EgressIP">The EgressIP that the pod belongs to by the API; null: none.</param>
/// <param name="Selection">Why.</param>
/// <param name="Service">The Service that has the destination; null: none has.</param>
/// <param name="Paths">One for the destination, or for each endpoint of the Service.</param>
internal sealed record PodTrace(
    string Pod, IPAddress Address, string Node, string? EgressIP, string Selection, IPAddress Destination, string? Service,
    ImmutableArray<PathTrace> Paths)
{
    public bool IsWell => Paths.All(path => path.IsWell) && (Service is null || !Paths.IsEmpty);

    public void Write(Screen screen)
    {
        screen.Line(Styled.Title($"pod {Pod}"), $": {Address} on node {Node}");
        screen.Line(Selection);
        if (Service is not null)
        {
            screen.Line($"{Destination} is Service {Service}: kube-proxy leads to one of its endpoints first"
                + (Paths.IsEmpty ? "; none is ready" : ""));
        }

        foreach (PathTrace path in Paths)
        {
            Write(screen, path);
        }
    }

    private static void Write(Screen screen, PathTrace path)
    {
        string addresses = string.Join(" or ", path.Ways.Select(way => way.Address));
        screen.Line($"{path.Destination}", path.Fate switch
        {
            Fate.NotServed => ": packets leave as without any EgressIP",
            Fate.Excluded => $" is {path.Why}: no egress address",
            Fate.FailsOpen => ": new connections have the node's address: no node holds an address, and the EgressIP fails open",
            Fate.Held => Styled.Bad($": new connections are held, because no node holds an address {path.CounterText}"),
            Fate.Dropped => Styled.Bad($": new connections are dropped {path.CounterText}"),
            _ => $": new connections leave as {addresses}{(path.Ways.Length > 1 ? ": their addresses and ports decide" : "")}",
        });
        foreach (WayTrace way in path.Ways)
        {
            string where = way.Tunnel is null ? $"this node: out by {way.Link}" : $"node {way.Node}: through the tunnel to {way.Tunnel}";
            screen.Line($"{way.Address} is on {where}, MTU {way.Mtu}", way.Fault is null ? "" : Styled.Bad($"; but {way.Fault}"));
        }

        foreach ((IPAddress address, string reason) in path.Waiting)
        {
            screen.Line($"{address}: new connections do not get it, and those that have it are held: {reason}");
        }

        if (path.ByApi is not null)
        {
            screen.Line(Styled.Bad("The API and the kernel differ: the agent of this node does not run, or has not followed yet"));
            screen.Columns([["by the API:", path.ByApi], ["by the kernel:", path.ByKernel]]);
        }
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.Members(("pod", Pod), ("address", $"{Address}"), ("node", Node), ("destination", $"{Destination}"), ("selection", Selection));
        json.WriteString("egressIP", EgressIP);
        json.WriteString("service", Service);
        json.Objects("paths", Paths, path =>
        {
            json.Members(("destination", $"{path.Destination}"), ("fate", $"{path.Fate}"), ("reason", path.Why));
            json.WriteString("counter", path.Counter);
            json.WriteNumber("packets", path.Counter is null ? 0 : path.Counted);
            json.Objects("ways", path.Ways, way =>
            {
                json.Members(("egressIP", $"{way.Address}"), ("node", way.Node), ("link", way.Link));
                json.WriteString("tunnel", way.Tunnel?.ToString());
                json.WriteNumber("mtu", way.Mtu);
                json.WriteString("fault", way.Fault);
            });
            json.Objects("waiting", path.Waiting, one => json.Members(("egressIP", $"{one.Address}"), ("reason", one.Reason)));
            json.Members(("byKernel", path.ByKernel), ("byApi", path.ByApi ?? path.ByKernel));
        });
        json.WriteEndObject();
    }
}
