using Shared;

namespace SystemTests.Packaging;

/// <summary>The Debian package, in a root that dpkg has never seen.</summary>
public sealed class DebianPackageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("er-deb-").FullName;

    private string Root => Path.Combine(_folder, "root");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [RootFact]
    public void It_installs_upgrades_and_removes_cleanly()
    {
        string package = Make();
        foreach (string folder in (string[])["info", "updates"])
        {
            Directory.CreateDirectory(Path.Combine(Root, "var/lib/dpkg", folder));
        }

        File.WriteAllText(Path.Combine(Root, "var/lib/dpkg/status"), "");
        string[] empty = Files();

        // An older one, with a file that the newer one has not.
        string old = Path.Combine(_folder, "old");
        Command.Must("dpkg-deb", ["-R", package, old]);
        string control = Path.Combine(old, "DEBIAN/control");
        File.WriteAllText(control, File.ReadAllText(control).Replace("\nVersion: ", "\nVersion: 0.0~", StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(old, "opt/cni/bin/egress-router.old"), "");
        Command.Must("dpkg-deb", ["-Zgzip", "--build", old, old + ".deb"]);
        Dpkg("--install", old + ".deb");
        Assert.Contains("/opt/cni/bin/egress-router.old", Files());

        Dpkg("--install", package);
        Assert.DoesNotContain("/opt/cni/bin/egress-router.old", Files());
        foreach (string file in (string[])
            [
                "/opt/cni/bin/egress-router", "/usr/sbin/egress-routerctl", "/usr/share/man/man8/egress-router.8.gz",
                "/usr/share/man/man8/egress-routerctl.8.gz",
                "/usr/share/bash-completion/completions/egress-routerctl", "/usr/share/doc/egress-router-cni/copyright",
                "/usr/share/doc/egress-router-cni/changelog.gz", "/usr/share/doc/egress-router-cni/examples/redirect.json",
            ])
        {
            Assert.Contains(file, Files());
        }

        Assert.StartsWith(
            "egress-router ", Command.Must("chroot", [Root, "/opt/cni/bin/egress-router", "--version"]), StringComparison.Ordinal);
        Assert.StartsWith(
            "egress-routerctl ", Command.Must("chroot", [Root, "/usr/sbin/egress-routerctl", "--version"]), StringComparison.Ordinal);
        Assert.Equal("", Command.Must("dpkg", ["--root=" + Root, "--verify", "egress-router-cni"]));
        Dpkg("--remove", "egress-router-cni");
        Assert.Equal(empty, Files());
    }

    [RootFact]
    public void The_same_executable_gives_the_same_package()
    {
        byte[] first = File.ReadAllBytes(Make());
        Assert.Equal(first, File.ReadAllBytes(Make()));
    }

    /// <summary>Commands and options are in the man page, and no line of them is taken for a request of troff.</summary>
    [RootFact]
    public void The_man_page_is_that_of_this_program()
    {
        Command.Must("dpkg-deb", ["-x", Make(), Root]);
        string text = Command.Must("gzip", ["-dc", Path.Combine(Root, "usr/share/man/man8/egress-routerctl.8.gz")]);
        Assert.Contains($"\"egress-router-cni {Command.Must(Lab.Plugin, ["--version"]).Split(' ')[1]}\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain('@', text.Replace("@example", "", StringComparison.Ordinal));
        foreach (string command in (string[])["validate FILE...", "status [FILE]", "repair FILE", "install"])
        {
            Assert.Contains($".SS {command}\n", text, StringComparison.Ordinal);
        }

        Assert.Contains("\\-\\-dry\\-run", text, StringComparison.Ordinal);
        Assert.DoesNotContain(text.Split('\n'), line => line.StartsWith('\''));
    }

    [Fact]
    public void Bash_completes_commands_and_options()
    {
        Assert.Equal("validate\n", Complete(1, "va"));
        Assert.Contains("--dry-run\n", Complete(2, "repair", "--"), StringComparison.Ordinal);
        Assert.DoesNotContain("--dry-run\n", Complete(2, "validate", "--"), StringComparison.Ordinal);
    }

    private static string Complete(int word, params string[] words) => Command.Must("bash", ["-c", $$"""
        . <('{{Lab.Ctl}}' completion)
        COMP_WORDS=(egress-routerctl "$@") COMP_CWORD={{word}}
        _egress_routerctl
        printf '%s\n' "${COMPREPLY[@]}"
        """, "bash", .. words]);

    private static string Make()
    {
        CommandResult made = Command.Run(Repository.PathOf("scripts", "package.sh"), [], limit: TimeSpan.FromMinutes(3));
        Assert.True(made.ExitCode == 0, made.ToString());
        return Repository.PathOf(
            "out", $"egress-router-cni_{Command.Must(Lab.Plugin, ["--version"]).Split(' ')[1].Replace('-', '~')}_amd64.deb");
    }

    private void Dpkg(params string[] arguments) =>
        Command.Must("dpkg", ["--root=" + Root, "--force-not-root", "--log=" + Path.Combine(_folder, "log"), .. arguments]);

    /// <summary>All files but dpkg's own.</summary>
    private string[] Files() =>
    [
        .. Directory.GetFiles(Root, "*", SearchOption.AllDirectories).Select(file => file[Root.Length..])
            .Where(file => !file.StartsWith("/var/lib/dpkg/", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
    ];
}
