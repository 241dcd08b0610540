using Netlink.Routing;

namespace EgressRouter.State;

/// <summary>Routing rules in the syntax of <c>ip rule</c>.</summary>
internal static class RuleText
{
    public static string Of(RoutingRule rule) =>
        $"{rule.Priority}:"
        + (rule.Source is null ? "" : $" from {rule.Source}")
        + (rule.Destination is null ? "" : $" to {rule.Destination}")
        + (rule.Mask == 0 ? "" : $" fwmark 0x{rule.Mark:x}/0x{rule.Mask:x}")
        + $" lookup {(rule.Table == Route.MainTable ? "main" : $"{rule.Table}")}"
        + (rule.SuppressGroup is uint group ? $" suppress_ifgroup {group}" : "");
}
