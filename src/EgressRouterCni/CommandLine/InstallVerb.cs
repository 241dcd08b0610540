using System.Runtime.InteropServices;
using EgressRouter.Tools;

namespace EgressRouterCni.CommandLine;

/// <summary><c>egress-router install</c>: the executable puts itself where the container runtime looks for plugins.</summary>
internal static class InstallVerb
{
    private const string Name = "egress-router";
    private const string Suffix = ".new-";
    private const UnixFileMode Mode = (UnixFileMode)0b111_101_101;
    private const UnixFileMode Unfinished = (UnixFileMode)0b110_000_000;

    /// <summary>How often it is looked after.</summary>
    private static readonly TimeSpan _look = TimeSpan.FromSeconds(5);

    /// <summary>How old a file is that nobody writes any more.</summary>
    private static readonly TimeSpan _leftover = TimeSpan.FromMinutes(1);

    public static int Run(Arguments arguments, Screen screen)
    {
        string folder = arguments.Text("to") ?? throw new InputException("--to is missing: the folder of the node's CNI plugins");
        if (!Directory.Exists(folder))
        {
            // Not made: it would be a folder that no runtime looks into.
            throw new InputException($"--to {folder}: there is no such folder");
        }

        if (arguments.Has("uninstall") && arguments.Has("stay"))
        {
            throw new InputException("--stay is for an installation, not for --uninstall");
        }

        // What is begun comes to its end: a file is not left half written by whoever ends the program politely.
        using var end = new Ending();
        string target = Path.Combine(folder, Name);
        RemoveLeftovers(folder);
        if (arguments.Has("uninstall"))
        {
            bool isThere = File.Exists(target);
            File.Delete(target);
            screen.Line(isThere ? $"removed {target}" : $"{target} is not there");
        }
        else
        {
            Install(target);
            screen.Line($"installed {target}: {BuildInfo.Text}");
        }

        screen.Flush();
        if (arguments.Has("stay"))
        {
            // A DaemonSet wants its pods to stay, and the file too: other installers empty that folder.
            while (!end.Wait(_look))
            {
                if (!File.Exists(target))
                {
                    Install(target);
                    screen.Line($"{target} was gone: installed again");
                    screen.Flush();
                }
            }
        }

        return OperatorTools.Fine;
    }

    /// <summary>
    /// Whoever starts the plugin meanwhile gets the old file or the new one, whole, also after the power went; the old one
    /// that runs goes on with its own.
    /// </summary>
    private static void Install(string target)
    {
        string fresh = $"{target}{Suffix}{Guid.NewGuid():N}";
        try
        {
            using (FileStream source = File.OpenRead("/proc/self/exe"))
            using (var copy = new FileStream(fresh, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Unfinished }))
            {
                source.CopyTo(copy);
                copy.Flush(flushToDisk: true);
                // Nobody can run it before it is whole; whatever the umask is.
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

    /// <summary>An installation that was killed has left its file.</summary>
    private static void RemoveLeftovers(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder, Name + Suffix + "????????????????????????????????"))
        {
            if (DateTime.UtcNow - File.GetLastWriteTimeUtc(file) > _leftover)
            {
                File.Delete(file);
            }
        }
    }

    /// <summary>The new name lasts when the folder is on the disk too; .NET opens no folders.</summary>
    private static void SyncFolder(string folder)
    {
        int descriptor = Libc.Open(folder, Libc.O_CLOEXEC, 0);
        bool isDone = descriptor >= 0 && Libc.Fsync(descriptor) == 0;
        int error = Marshal.GetLastPInvokeError();
        if (descriptor >= 0)
        {
            _ = Libc.Close(descriptor);
        }

        if (!isDone)
        {
            throw new IOException($"{folder}: it cannot be made certain that the file is on the disk: {Marshal.GetPInvokeErrorMessage(error)}");
        }
    }
}
