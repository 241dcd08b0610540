using System.Net;
using Netlink.NetFilter;

namespace EgressRouter.Tools.Audit;

/// <summary>The answer to a question, in words.</summary>
internal static class AuditText
{
    /// <summary>When, who, to where, and how much.</summary>
    public static string Of(AuditMatch match)
    {
        (AuditRecord record, ConntrackTuple original, ConntrackTuple reply) = (match.Record, match.Record.Original, match.Record.Reply);
        var server = new IPEndPoint(reply.Source, reply.SourcePort);
        var destination = new IPEndPoint(original.Destination, original.DestinationPort);
        return $"{Time(match)}: {Who(record.Pod)}{new IPEndPoint(original.Source, original.SourcePort)} to {destination}"
            + (server.Equals(destination) ? "" : $" which is {server}")
            + $" {AuditProtocol.Name(original.Protocol)} as {new IPEndPoint(reply.Destination, reply.DestinationPort)}"
            + (record.Node is null ? "" : $" of node {record.Node}")
            + (record.Sent is Counted sent ? $"; sent {Amount(sent)}" : "")
            + (record.Received is Counted received ? $"; received {Amount(received)}" : "");
    }

    /// <summary>Nobody, and what was looked at.</summary>
    public static string OfNobody(AuditQuestion question, AuditSearch search)
    {
        string protocol = question.Protocol is byte known ? $" {AuditProtocol.Name(known)}" : "";
        string looked = search.First is DateTimeOffset first && search.Last is DateTimeOffset last
            ? $"{Number(search.Lines, "line")} about connections, from {AuditTime.Text(first)} to {AuditTime.Text(last)}"
            : "no line of an audit log";
        return $"nobody: no connection of {new IPEndPoint(question.Address, question.Port)}{protocol} from "
            + $"{AuditTime.Text(question.From)} to {AuditTime.Text(question.To)} in {looked}"
            + (search.Unreadable == 0 ? "" : $"; {Number(search.Unreadable, "other line")}")
            + (search.Missing == 0 ? "" : $"; by their own count, {search.Missing} are missing in them");
    }

    private static string Time(AuditMatch match) => (match.Start, match.End) switch
    {
        (DateTimeOffset start, DateTimeOffset end) => $"{AuditTime.Text(start)} to {AuditTime.Text(end)}",
        (DateTimeOffset start, null) => $"{AuditTime.Text(start)}, no line of its end",
        (_, DateTimeOffset end) => $"until {AuditTime.Text(end)}, no line of its start",
        _ => "",
    };

    private static string Who(AuditPod? pod) => pod is null ? "no known pod, " : $"pod {pod.Namespace}/{pod.Name}"
        + (pod.Labels.IsEmpty ? "" : $" ({string.Join(", ", pod.Labels.Select(label => $"{label.Key}={label.Value}"))})") + ", ";

    private static string Amount(Counted counted) => $"{Number((long)counted.Packets, "packet")}, {Number((long)counted.Bytes, "byte")}";

    private static string Number(long number, string what) => $"{number} {what}{(number == 1 ? "" : "s")}";
}
