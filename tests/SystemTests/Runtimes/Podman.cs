using System.Diagnostics;
using System.Globalization;

namespace SystemTests;

/// <summary>
/// Podman with its CNI backend, on the node of a lab. All its state is in a folder of its own, and its processes, mounts
/// and files below /run and /var/lib are in namespaces of their own, which end with this.
/// </summary>
internal sealed class Podman : IDisposable
{
    private const string Prepare = """
        set -e
        mount -t cgroup2 cgroup2 /sys/fs/cgroup
        mount -t tmpfs tmpfs /run
        mount -t tmpfs tmpfs /var/lib
        mkdir /run/netns /var/lib/cni
        echo ready
        exec sleep 300
        """;

    private readonly string _node;
    private readonly Process _holder;

    /// <summary>Starts nothing but the namespaces.</summary>
    /// <param name="lab">Whose node it runs on.</param>
    /// <param name="networks">Network configuration lists, by name.</param>
    public Podman(Lab lab, params (string Name, Func<string, string> List)[] networks)
    {
        _node = Lab.PathOf(lab.Node);
        Folder = Directory.CreateTempSubdirectory("egress-router-podman-").FullName;
        MakeRoot();
        Directory.CreateDirectory(PathOf("networks"));
        // As on a node.
        Directory.CreateDirectory(PathOf("plugins"));
        Command.Must(Lab.Ctl, ["install", "--to", PathOf("plugins")]);
        foreach (var (name, list) in networks)
        {
            File.WriteAllText(PathOf("networks", name + ".conflist"), list(Folder));
        }

        // A container may not raise its limits here, and needs no cgroup.
        File.WriteAllText(PathOf("containers.conf"), $"""
            [containers]
            cgroups = "disabled"
            log_driver = "none"
            default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
            [engine]
            cgroup_manager = "cgroupfs"
            events_logger = "none"
            runtime = "crun"
            [network]
            network_backend = "cni"
            cni_plugin_dirs = ["{PathOf("plugins")}", "/usr/lib/cni"]
            network_config_dir = "{PathOf("networks")}"
            """);
        File.WriteAllText(PathOf("storage.conf"), $"""
            [storage]
            driver = "vfs"
            graphroot = "{PathOf("graph")}"
            runroot = "{PathOf("run")}"
            """);

        _holder = Process.Start(
            new ProcessStartInfo("unshare", ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", Prepare])
            {
                RedirectStandardOutput = true,
            })!;
        if (_holder.StandardOutput.ReadLine() != "ready")
        {
            Dispose();
            throw new InvalidOperationException("the namespaces for podman cannot be made");
        }
    }

    /// <summary>What is kept on the disk.</summary>
    public string Folder { get; }

    /// <summary>Runs a podman command.</summary>
    public CommandResult Run(params string[] arguments) => Inside(["podman", "--tmpdir", PathOf("tmp"), .. arguments]);

    /// <summary>Runs a podman command that must succeed without a word of complaint.</summary>
    public string Must(params string[] arguments)
    {
        CommandResult result = Run(arguments);
        Assert.True(result.ExitCode == 0 && result.Stderr.Length == 0, $"podman {string.Join(' ', arguments)}: {result}");
        return result.Stdout;
    }

    /// <summary>Starts a container that waits.</summary>
    public void Start(string name, params string[] options) =>
        Must(["run", "--detach", "--name", name, .. options, "--rootfs", PathOf("root"), "/bin/sleep", "300"]);

    /// <summary>Stops and removes a container.</summary>
    public void Remove(string name) => Must("rm", "--force", "--time", "0", name);

    /// <summary>Runs a program of busybox in a container.</summary>
    public string In(string name, params string[] command) => Must(["exec", name, "/bin/busybox", .. command]);

    /// <summary>Runs a program where podman runs.</summary>
    public CommandResult Inside(params string[] command) => Command.Run(
        "nsenter",
        ["--mount=" + NamespaceOf("mnt"), "--pid=" + NamespaceOf("pid_for_children"), "--net=" + _node, .. command],
        environment: new Dictionary<string, string>
        {
            ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin",
            ["HOME"] = Folder,
            ["TMPDIR"] = Folder,
            ["CONTAINERS_CONF"] = PathOf("containers.conf"),
            ["CONTAINERS_STORAGE_CONF"] = PathOf("storage.conf"),
        });

    public void Dispose()
    {
        // The first process of its namespace takes all others with it.
        _holder.Kill();
        _holder.WaitForExit();
        _holder.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>The file system of a container: busybox, and nothing else.</summary>
    private void MakeRoot()
    {
        Directory.CreateDirectory(PathOf("root", "bin"));
        File.Copy("/bin/busybox", PathOf("root", "bin", "busybox"));
        File.CreateSymbolicLink(PathOf("root", "bin", "sleep"), "busybox");
    }

    private string PathOf(params string[] parts) => Path.Combine([Folder, .. parts]);

    private string NamespaceOf(string kind) => string.Create(CultureInfo.InvariantCulture, $"/proc/{_holder.Id}/ns/{kind}");
}
