using System.Runtime.InteropServices;
using System.Runtime.Versioning;

[assembly: SupportedOSPlatform("linux")]

namespace EgressRouterCni.Tests.Logging;

/// <summary>A folder of one test, and the file system's oddities in it.</summary>
internal sealed partial class Folder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("egress-router-log-").FullName;

    /// <summary>Whether the test may give files away.</summary>
    public static bool IsRoot => Environment.IsPrivilegedProcess;

    public string this[string name] => Path.Combine(_path, name);

    public string Make(string name, UnixFileMode mode)
    {
        Directory.CreateDirectory(this[name]);
        File.SetUnixFileMode(this[name], mode);
        return this[name];
    }

    public void HardLink(string from, string to) => Assert.Equal(0, Link(this[from], this[to]));

    public void Fifo(string name) => Assert.Equal(0, MkFifo(this[name], 0x180));

    public void GiveAway(string name) => Assert.Equal(0, LChown(this[name], 65534, 65534));

    public void Dispose() => Directory.Delete(_path, recursive: true);

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string from, string to);

    [LibraryImport("libc", EntryPoint = "mkfifo", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MkFifo(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "lchown", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int LChown(string path, uint user, uint group);
}
