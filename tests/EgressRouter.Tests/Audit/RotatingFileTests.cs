using System.Diagnostics;
using System.Runtime.Versioning;
using EgressRouter.Tools.Audit;

namespace EgressRouter.Tests.Audit;

/// <summary>A file of bounded size.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class RotatingFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("er-audit-").FullName;

    private string Name => Path.Combine(_folder, "audit.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void It_begins_anew_before_it_is_too_long_and_keeps_one_predecessor()
    {
        using var file = new RotatingFile(Name, mostBytes: 8);
        foreach (string lines in (string[])["a\n", "bbbb\n", "c\n", "ddddd\n", "e\n", "ffffffffffff\n", "g\n"])
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes(lines));
        }

        Assert.Equal(("g\n", "ffffffffffff\n"), (File.ReadAllText(Name), File.ReadAllText(Name + ".1")));
        Assert.Equal(2, Directory.GetFiles(_folder).Length);
    }

    [Fact]
    public void It_goes_on_where_another_process_has_ended_and_only_its_owner_reads_it()
    {
        for (int process = 0; process < 3; process++)
        {
            using var file = new RotatingFile(Name, mostBytes: 8);
            file.Write("abc\n"u8);
        }

        Assert.Equal(("abc\n", "abc\nabc\n"), (File.ReadAllText(Name), File.ReadAllText(Name + ".1")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Name));
    }

    /// <summary>A link could lead to any file of the node, and that one would grow without end.</summary>
    [Fact]
    public void A_symbolic_link_is_refused()
    {
        string target = Path.Combine(_folder, "target");
        File.CreateSymbolicLink(Name, target);
        IOException refused = Assert.Throws<IOException>(() => new RotatingFile(Name, mostBytes: 8));
        Assert.Equal($"{Name} is a symbolic link to {target}", refused.Message);
        Assert.False(File.Exists(target));
    }

    [Fact]
    public void A_pipe_is_refused()
    {
        using (var make = Process.Start("mkfifo", [Name]))
        {
            make.WaitForExit();
        }

        using FileStream reader = File.Open(Name, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        Assert.Equal($"{Name} is not a regular file", Assert.Throws<IOException>(() => new RotatingFile(Name, mostBytes: 8)).Message);
    }

    /// <summary>Such as logrotate with copytruncate.</summary>
    [Fact]
    public void A_file_that_others_have_cut_goes_on_at_its_end()
    {
        using var file = new RotatingFile(Name, mostBytes: 100);
        file.Write("abc\n"u8);
        File.WriteAllText(Name, "");
        file.Write("d\n"u8);
        Assert.Equal("d\n", File.ReadAllText(Name));
    }

    /// <summary>Where it cannot be renamed, it does not grow.</summary>
    [Fact]
    public void A_file_that_cannot_begin_anew_does_not_grow()
    {
        Directory.CreateDirectory(Path.Combine(Name + ".1", "occupied"));
        using var file = new RotatingFile(Name, mostBytes: 8);
        file.Write("12345\n"u8);
        for (int times = 0; times < 3; times++)
        {
            Assert.ThrowsAny<IOException>(() => file.Write("6789\n"u8));
        }

        Assert.Equal("12345\n", File.ReadAllText(Name));
    }
}
