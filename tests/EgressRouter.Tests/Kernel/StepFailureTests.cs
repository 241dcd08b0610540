using EgressRouter.Kernel;
using EgressRouter.State;
using EgressRouter.Tests.State;
using Netlink;

namespace EgressRouter.Tests.Kernel;

/// <summary>A failure is classified by its step and the kernel's error number, not by its text.</summary>
public class StepFailureTests
{
    public static TheoryData<PlanStep, int, bool> Failures => new()
    {
        { new DeleteRoute(Example.PodDefault), Errno.ESRCH, true },
        { new DeleteRoute(Example.PodDefault), Errno.ENODEV, true },
        { new DeleteRoute(Example.PodDefault), Errno.ENETUNREACH, false },
        { new ReplaceRoute(Example.PodDefault), Errno.ENETUNREACH, true },
        { new AddRoute(Example.PodDefault), Errno.ENODEV, true },
        { new AddRoute(Example.PodDefault), Errno.ESRCH, false },
        { new SetSysctl(Sysctl.Ipv4Forwarding("eth0"), 0), Errno.ENOENT, true },
        { new SetSysctl(Sysctl.Ipv4Forwarding("eth0"), 0), Errno.ENODEV, true },
        { new SetSysctl(Sysctl.Ipv4Forwarding("eth0"), 0), Errno.EROFS, false },
        { new DeleteTable(Example.Present().Table!), Errno.ENOENT, true },
        { new DeleteTable(Example.Present().Table!), Errno.EPERM, false },
    };

    [Theory]
    [MemberData(nameof(Failures), DisableDiscoveryEnumeration = true)]
    public void Means_that_it_is_gone_by_step_and_number(PlanStep step, int errno, bool isGone)
    {
        foreach (string words in (string[])["", "add route", "delete route", "set sysctl", $"{step}"])
        {
            Assert.Equal(isGone, new StepFailure(step, new NetlinkException(words, errno)).IsGone);
            Assert.False(new StepFailure(step, new NetlinkException(words, errno) { WasSent = false }).IsGone);
        }
    }
}
