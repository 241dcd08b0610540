using System.Net.Sockets;
using Netlink;
using Netlink.Routing;

namespace SystemTests;

/// <summary>A rule with a condition that we do not read must not be taken for a rule without it.</summary>
public class RoutingRuleTests
{
    [RootTheory]
    [InlineData("from 192.0.2.1", false)]
    [InlineData("from 192.0.2.1 protocol static", false)]
    [InlineData("from 192.0.2.1 fwmark 0x1/0xff", false)]
    [InlineData("from 192.0.2.1 iif eth0", true)]
    [InlineData("from 192.0.2.1 oif eth0", true)]
    [InlineData("from 192.0.2.1 ipproto tcp", true)]
    [InlineData("from 192.0.2.1 dport 80", true)]
    [InlineData("from 192.0.2.1 sport 1024-2048", true)]
    [InlineData("from 192.0.2.1 uidrange 0-10", true)]
    [InlineData("from 192.0.2.1 tos 0x10", true)]
    [InlineData("from 192.0.2.0/24", true)]
    [InlineData("not from 192.0.2.1", true)]
    public void A_condition_that_is_not_read_is_noticed(string rule, bool hasOther)
    {
        using var lab = new Lab();
        Lab.Batch(lab.Pod, $"rule add {rule} lookup 77");
        using NetNamespace pod = NetNamespace.Open(Lab.PathOf(lab.Pod));
        RoutingRule found = pod.Run(() =>
        {
            using NetlinkSocket socket = NetlinkSocket.OpenRoute();
            return socket.ListRules(_ => true).Single(one => one.Family == AddressFamily.InterNetwork && one.Table == 77);
        });
        Assert.Equal(hasOther, found.HasOther);
    }
}
