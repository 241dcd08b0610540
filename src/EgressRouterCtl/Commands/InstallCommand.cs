using System.Runtime.InteropServices;
using CommandLine;
using EgressRouter.Tools;
using static Tmds.Linux.LibC;

namespace EgressRouterCtl.Commands;

[Verb("install",
    HelpText = "Copy the plugin and this program to the folder where the container runtime looks for CNI plugins, or remove them.")]
[Examples("egress-routerctl install --to /opt/cni/bin", "egress-routerctl install --to /opt/cni/bin --uninstall")]
internal sealed class InstallCommand : Command
{
    [Option("to", MetaValue = "DIR", HelpText = "The folder of the plugins; /opt/cni/bin on most nodes.")]
    public string? To { get; set; }

    [Option("uninstall", HelpText = "Remove them.")]
    public bool Uninstall { get; set; }

    [Option("stay", HelpText = "Then wait for SIGTERM, and install again what is removed: for a DaemonSet, whose pods must not end.")]
    public bool Stay { get; set; }

    private static readonly string[] _names = ["egress-router", "egress-routerctl"];
    private const string Suffix = ".new-";
    private const UnixFileMode Mode = (UnixFileMode)0b111_101_101;
    private const UnixFileMode Unfinished = (UnixFileMode)0b110_000_000;

    private static readonly TimeSpan _checkInterval = TimeSpan.FromSeconds(5);

    /// <summary>A temporary file older than this belongs to no running installation.</summary>
    private static readonly TimeSpan _leftoverAge = TimeSpan.FromMinutes(1);

    protected override int Run(CommandContext context)
    {
        Screen screen = context.Screen;
        string folder = To ?? throw new UsageException("--to is missing: the folder of the node's CNI plugins");
        if (!Directory.Exists(folder))
        {
            // Not created: no runtime would look into a new folder.
            throw new UsageException($"--to {folder}: there is no such folder");
        }

        if (Uninstall && Stay)
        {
            throw new UsageException("--stay is for an installation, not for --uninstall");
        }

        // A termination signal must not leave a half-written file.
        using var end = new ShutdownSignal();
        string own = Path.GetDirectoryName(Environment.ProcessPath) ?? throw new UsageException("the folder of this program is unknown");
        string[] targets = [.. _names.Select(name => Path.Combine(folder, name))];
        foreach (string target in targets)
        {
            RemoveLeftovers(target);
            if (Uninstall)
            {
                bool isInstalled = File.Exists(target);
                File.Delete(target);
                screen.Line(isInstalled ? $"removed {target}" : $"{target} is not there");
            }
            else
            {
                Install(own, target);
                screen.Line($"installed {target}, version {BuildInfo.Version}");
            }
        }

        screen.Flush();
        if (Stay)
        {
            // A DaemonSet's pods must keep running. Other installers empty the folder, so the files are checked.
            while (!end.Wait(_checkInterval))
            {
                foreach (string target in targets.Where(target => !File.Exists(target)))
                {
                    Install(own, target);
                    screen.Line($"{target} was gone: installed again");
                    screen.Flush();
                }
            }
        }

        return ExitCode.Ok;
    }

    /// <summary>
    /// A plugin started meanwhile is the complete old or new file, even after a power failure. A running old plugin keeps its own file.
    /// </summary>
    private static void Install(string own, string target)
    {
        string fresh = $"{target}{Suffix}{Guid.NewGuid():N}";
        try
        {
            using (FileStream source = File.OpenRead(Path.Combine(own, Path.GetFileName(target))))
            using (var copy = new FileStream(fresh,
                new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Unfinished }))
            {
                source.CopyTo(copy);
                copy.Flush(flushToDisk: true);
                // Executable only once it is complete, whatever the umask.
                File.SetUnixFileMode(copy.SafeFileHandle, Mode);
            }

            File.Move(fresh, target, overwrite: true);
        }
        catch
        {
            File.Delete(fresh);
            throw;
        }

        SyncFolder(Path.GetDirectoryName(Path.GetFullPath(target))!);
    }

    /// <summary>A killed installation leaves its temporary file.</summary>
    private static void RemoveLeftovers(string target)
    {
        foreach (string file in Directory.EnumerateFiles(Path.GetDirectoryName(target)!,
            Path.GetFileName(target) + Suffix + "????????????????????????????????"))
        {
            if (DateTime.UtcNow - File.GetLastWriteTimeUtc(file) > _leftoverAge)
            {
                File.Delete(file);
            }
        }
    }

    /// <summary>A new name is durable only after fsync of the folder, which .NET cannot open.</summary>
    private static void SyncFolder(string folder)
    {
        int descriptor = Libc.Open(folder, O_CLOEXEC, 0);
        bool isDone = descriptor >= 0 && fsync(descriptor) == 0;
        int error = Marshal.GetLastPInvokeError();
        if (descriptor >= 0)
        {
            _ = close(descriptor);
        }

        if (!isDone)
        {
            throw new IOException(
                $"{folder}: it cannot be made certain that the file is on the disk: {Marshal.GetPInvokeErrorMessage(error)}");
        }
    }
}
