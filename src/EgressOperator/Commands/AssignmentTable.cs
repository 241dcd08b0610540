using EgressIp;

namespace EgressOperator.Commands;

/// <summary>An assignment for people.</summary>
internal static class AssignmentTable
{
    public static void Write(Screen screen, Assignment assignment)
    {
        if (assignment.Objects.IsEmpty)
        {
            screen.Line("The input holds no EgressIP.");
            return;
        }

        screen.Part("Addresses", ["EGRESSIP", "ADDRESS", "NODE", "NETWORK"], assignment.Objects.SelectMany(made => made.Items.Select(
            item => (string[])[made.Name, item.EgressIP, item.Node, item.Network.ToString()])));
        screen.Part("Without a node", ["EGRESSIP", "ADDRESS", "REASON", "WHY"], assignment.Objects.SelectMany(
            made => made.Unassigned.Select(
                address => (string[])[made.Name, address.EgressIP, address.Reason.ToString(), address.Message])));
        screen.Part("Moves", ["EGRESSIP", "ADDRESS", "FROM", "TO"], assignment.Objects.SelectMany(
            made => made.Moves.Select(move => (string[])[made.Name, move.EgressIP, move.From, move.To])));
        screen.Part("Pods", ["EGRESSIP", "NAMESPACE", "POD", "NODE", "ADDRESSES", "LEAVES AS"], assignment.Objects.SelectMany(
            made => made.Members.Select(pod => (string[])
                [made.Name, pod.Namespace, pod.Name, pod.Node, string.Join(' ', pod.Addresses), LeavesAs(pod)])));
        screen.Part("Events", ["EGRESSIP", "TYPE", "REASON", "MESSAGE"], assignment.Objects.SelectMany(made => made.Events.Select(
            told => (string[])[made.Name, told.Type.ToString(), told.Reason.ToString(), told.Message])));
    }

    private static string LeavesAs(Member pod) => pod.EgressIPs.IsEmpty ? "-" : string.Join(' ', pod.EgressIPs);
}
