using System.Net.Sockets;
using System.Text.Json.Nodes;
using Shared;

namespace SystemTests.Reliability;

/// <summary>
/// Surroundings in which ADD cannot work, or in which it can all the same. What stands at the namespace's path or bears the
/// interface's name is in RefusalTests, what a log file may be in LogFileTests.
/// </summary>
public class HostileTests
{
    private static readonly int[] _refused = [100];

    /// <summary>Neither ADD nor its undoing can do anything; that is said, and that the privilege is missing.</summary>
    [RootTheory]
    [InlineData("net_admin")]
    [InlineData("sys_admin")]
    public void Without_a_privilege_ADD_says_so_and_does_nothing(string capability)
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        Snapshot node = lab.NodeSnapshot();
        lab.RunBy(["setpriv", "--bounding-set", "-" + capability], "ADD", Config.DualStack).AssertErrorNaming(
            _refused, "Operation not permitted (EPERM)");
        lab.PodSnapshot().AssertSameAs(pod);
        lab.NodeSnapshot().AssertSameAs(node);
    }

    [RootFact]
    public void With_read_only_kernel_parameters_ADD_fails_and_leaves_nothing()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        RunReadOnly(lab, "ADD", Config.DualStack).AssertErrorNaming(_refused, "set sysctl net/ipv");
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>The pod's own parameters stay as they are; the router goes, and the pod need not stay for it.</summary>
    [RootFact]
    public void With_read_only_kernel_parameters_DEL_says_what_it_cannot_put_back()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        lab.Add(Config.Redirect);
        CommandResult deleted = RunReadOnly(lab, "DEL", Config.Redirect);
        deleted.AssertSuccess();
        Assert.Contains(
            "[warning] not restored or not removed: set sysctl net/ipv4/conf/all/forwarding=0", deleted.Stderr, StringComparison.Ordinal);
        lab.PodSnapshot().AssertSameAs(pod, except: Snapshot.Sysctls);
    }

    /// <summary>Where io_uring is forbidden the packet socket is closed as any other, and nowhere does it outlive ADD for long.</summary>
    [RootTheory]
    [InlineData(0)]
    [InlineData(1)] // EPERM
    [InlineData(38)] // ENOSYS
    public void The_socket_that_announced_is_gone_soon_with_and_without_io_uring(int error)
    {
        using var lab = new Lab();
        TracedResult result = AtCall.RunAt(lab, "ADD", Config.Redirect, 1, "io_uring_setup", error == 0 ? "none" : $"error:{error}");
        Assert.True(result.Answer.ExitCode == 0, result.Answer.ToString());
        Assert.DoesNotContain("[warning]", result.Answer.Stderr, StringComparison.Ordinal);
        Assert.Equal(["io_uring_setup"], result.Calls);
        Eventually.IsTrue(() => Lab.In(lab.Pod, "cat", "/proc/net/packet").Count('\n') == 1, "a packet socket is left");
        lab.Delete(Config.Redirect);
    }

    [RootTheory]
    [InlineData(93)] // EPROTONOSUPPORT
    [InlineData(97)] // EAFNOSUPPORT
    [InlineData(1)] // EPERM
    public void Without_nf_tables_ADD_says_so_and_does_nothing(int error)
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        // The first netlink socket is the node's, the second the pod's for routes, the third that for nf_tables.
        AtCall.RunAt(
            lab, "ADD", Config.Redirect, 3, "socket",
            $"error:{error}").Answer.AssertErrorNaming(_refused, "open an nf_tables netlink socket");
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>ADD has failed for it before it made anything, and a pod must not stay for it.</summary>
    [RootFact]
    public void Without_nf_tables_DEL_has_nothing_to_do()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        CommandResult delete = AtCall.RunAt(lab, "DEL", Config.Redirect, 5, "socket", "error:93").Answer; // EPROTONOSUPPORT
        delete.AssertSuccess();
        Assert.Contains(
            "[warning] kernel without nf_tables: no router can exist: open an nf_tables netlink socket",
            delete.Stderr, StringComparison.Ordinal);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    [RootFact]
    public void Without_IPv6_in_the_pod_IPv4_works_and_IPv6_is_refused()
    {
        using var lab = new Lab();
        Lab.WriteSysctl(lab.Pod, "net/ipv6/conf/all/disable_ipv6", "1");
        Lab.WriteSysctl(lab.Pod, "net/ipv6/conf/default/disable_ipv6", "1");
        Snapshot pod = lab.PodSnapshot();
        lab.Serve(Protocol.Tcp, "192.168.12.91", 80);
        JsonObject result = lab.Add(Config.Redirect);
        Assert.NotNull(lab.Connect(Protocol.Tcp, 80));
        lab.Check(Config.Redirect, result).AssertSilentSuccess();
        lab.Delete(Config.Redirect);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>A namespace whose mount is gone leaves an empty file; the others are no namespaces of a pod either.</summary>
    [RootFact]
    public void DEL_of_what_is_no_namespace_succeeds_and_touches_nothing()
    {
        using var lab = new Lab();
        string folder = Directory.CreateTempSubdirectory("er-hostile-").FullName;
        try
        {
            string fifo = Path.Combine(folder, "fifo");
            Command.Must("mkfifo", [fifo]);
            using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            string socket = Path.Combine(folder, "socket");
            listener.Bind(new UnixDomainSocketEndPoint(socket));
            Snapshot node = lab.NodeSnapshot();
            string file = Path.Combine(folder, "file");
            File.WriteAllText(file, "");
            foreach (string path in (string[])[fifo, folder, file, socket, "/dev/null", "/proc/self/ns/mnt", Lab.PathOf(lab.Node),
                Path.Combine(folder, "absent")])
            {
                lab.Run("DEL", Config.Redirect, with: ("CNI_NETNS", path)).AssertSuccess();
            }

            lab.NodeSnapshot().AssertSameAs(node);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The log is a help, and never a hindrance.</summary>
    [RootTheory]
    [InlineData("mount -t tmpfs -o size=4k tmpfs $d; head -c 8192 /dev/zero >$d/full 2>/dev/null", "log")]
    [InlineData("mount -t tmpfs -o ro tmpfs $d", "log")]
    [InlineData("ln -s /etc/passwd $d/log", "log")]
    [InlineData("mkfifo $d/log", "log")]
    [InlineData("mknod $d/log c 1 7", "log")]
    [InlineData("mkdir $d/log", "log")]
    public void Whatever_the_log_file_is_ADD_works(string prepare, string name)
    {
        using var lab = new Lab();
        string folder = Directory.CreateTempSubdirectory("er-hostile-").FullName;
        try
        {
            string json = Config.Changed(config => config["log_file"] = Path.Combine(folder, name));
            // What is mounted is seen by this program only.
            string[] wrapper = ["unshare", "--mount", "sh", "-c", $"d={folder}; {prepare}; exec \"$0\""];
            string passwords = File.ReadAllText("/etc/passwd");
            CommandResult result = lab.RunBy(wrapper, "ADD", json);
            Assert.True(result.ExitCode == 0, result.ToString());
            Assert.Contains("ADD done", result.Stderr, StringComparison.Ordinal);
            Assert.Contains("[warning]", result.Stderr, StringComparison.Ordinal);
            Assert.Equal(passwords, File.ReadAllText("/etc/passwd"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [RootFact]
    public void A_result_that_cannot_be_printed_is_no_success()
    {
        using var lab = new Lab();
        Snapshot pod = lab.PodSnapshot();
        CommandResult result = lab.RunBy(["sh", "-c", "exec \"$0\" >/dev/full"], "ADD", Config.Redirect);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("cannot print the answer", result.Stderr, StringComparison.Ordinal);
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>What others made under our names is neither used nor removed by ADD.</summary>
    [RootTheory]
    [InlineData("nft add table inet egress-router-net1")]
    [InlineData("ip route add 198.51.100.0/24 dev eth0 table 15841")]
    [InlineData("ip rule add pref 1001 fwmark 0x3de10000/0xffff0000 lookup 15841")]
    public void Names_and_numbers_that_are_taken_are_told(string taken)
    {
        using var lab = new Lab();
        Lab.In(lab.Pod, taken.Split(' '));
        Snapshot pod = lab.PodSnapshot();
        lab.Run("ADD", Config.Redirect).AssertErrorNaming([101], "left-overs");
        lab.PodSnapshot().AssertSameAs(pod);
    }

    /// <summary>On kernels before 6.13 a link is made by its name on the node first.</summary>
    [RootFact]
    public void A_link_of_the_node_may_have_the_interfaces_name()
    {
        using var lab = new Lab();
        Lab.Batch(lab.Node, "link add net1 type veth peer name net2");
        Snapshot node = lab.NodeSnapshot();
        lab.Add(Config.Redirect);
        lab.Delete(Config.Redirect);
        lab.NodeSnapshot().AssertSameAs(node);
    }

    private static CommandResult RunReadOnly(Lab lab, string verb, string json) => lab.RunBy(
        ["unshare", "--mount", "sh", "-c", "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec \"$0\""], verb,
            json);
}
