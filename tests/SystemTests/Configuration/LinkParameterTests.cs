using Netlink;
using Netlink.Routing;

namespace SystemTests;

/// <summary>What rtnetlink tells of a link's kernel parameters is what the files below /proc/sys/net tell.</summary>
public class LinkParameterTests
{
    [RootTheory]
    [InlineData("ipv4")]
    [InlineData("ipv6")]
    public void Are_those_of_the_files(string family)
    {
        using var lab = new Lab();
        using NetNamespace pod = NetNamespace.Open(Lab.PathOf(lab.Pod));
        string folder = $"/proc/sys/net/{family}/conf/eth0";
        int compared = 0;
        foreach (string name in Lab.In(lab.Pod, "ls", folder).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Read(pod, family, name) is not int told)
            {
                continue;
            }

            Assert.Equal(Lab.In(lab.Pod, "cat", $"{folder}/{name}").Trim(), $"{told}");
            // A value that no other parameter has, where the kernel takes it.
            string changed = told == 0 ? "1" : "0";
            if (name != "disable_ipv6"
                && Command.Run("nsenter", ["--net=" + Lab.PathOf(lab.Pod), "sh", "-c", $"echo {changed} >{folder}/{name}"]).ExitCode == 0)
            {
                Assert.Equal((name, changed), (name, $"{Read(pod, family, name)}"));
            }

            compared++;
        }

        Assert.True(compared >= 15, $"only {compared} parameters have a name");
    }

    private static int? Read(NetNamespace pod, string family, string name)
    {
        LinkSysctls parameters = pod.Run(() =>
        {
            using NetlinkSocket socket = NetlinkSocket.OpenRoute();
            return socket.GetLink("eth0")!.Sysctls;
        });
        return family == "ipv4" ? parameters.Ipv4(name) : parameters.Ipv6(name);
    }
}
