namespace SystemTests.Operator;

/// <summary>A root folder with egress-operator, /dev/urandom and the files of a test, in which an ordinary user runs it.</summary>
internal sealed class EmptyRoot : IDisposable
{
    /// <summary>The device is mounted, as by a container engine: in a user namespace, root may not make one.</summary>
    private const string Enter = """mount --bind /dev/urandom "$0/dev/urandom" && exec chroot "$@" """;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("er-operator-");

    public EmptyRoot()
    {
        _folder.UnixFileMode = (UnixFileMode)0b111_101_101;
        File.Copy(EgressIp.OperatorProcess.Program, PathOf("egress-operator"));
        _folder.CreateSubdirectory("dev");
        Write("dev/urandom", "");
    }

    public void Write(string name, string text) => File.WriteAllText(PathOf(name), text);

    public CommandResult Run(string stdin, params string[] arguments)
    {
        // In a user namespace there is no other user than root, who is an ordinary one outside of it.
        string[] user = Privilege.MissingForContainers is null ? ["--userspec=65534:65534"] : [];
        return Command.Run(
            "unshare", ["--mount", "sh", "-c", Enter, _folder.FullName, .. user, _folder.FullName, "/egress-operator", .. arguments], stdin,
            new Dictionary<string, string> { ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin", ["HOME"] = "/" });
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string PathOf(string name) => Path.Combine(_folder.FullName, name);
}
