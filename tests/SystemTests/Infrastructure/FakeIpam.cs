namespace SystemTests;

/// <summary>An IPAM plugin that says what a test wants, in a folder of its own.</summary>
/// <param name="name">Its name.</param>
internal sealed class FakeIpam(string name = "fake") : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("fake-ipam-").FullName;

    private string Executable => Path.Combine(Folder, name);

    /// <summary>The verbs that it was asked, if its script appends <c>$CNI_COMMAND</c> to <c>$0.asked</c>.</summary>
    public string[] Asked => File.Exists(Executable + ".asked") ? File.ReadAllLines(Executable + ".asked") : [];

    /// <summary>Makes it a shell script.</summary>
    public void Write(string script)
    {
        File.WriteAllText(Executable, $"#!/bin/sh\necho $CNI_COMMAND >> $0.asked\n{script}\n");
        File.SetUnixFileMode(Executable, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
