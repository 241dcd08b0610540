namespace SystemTests;

/// <summary>An IPAM plugin named <c>fake</c> that says what a test wants, in a folder of its own.</summary>
internal sealed class FakeIpam : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("fake-ipam-").FullName;

    /// <summary>The verbs that it was asked, if its script appends <c>$CNI_COMMAND</c> to <c>$0.asked</c>.</summary>
    public string[] Asked => File.Exists(Path.Combine(Folder, "fake.asked")) ? File.ReadAllLines(Path.Combine(Folder, "fake.asked")) : [];

    /// <summary>Makes it a shell script.</summary>
    public void Write(string script)
    {
        string file = Path.Combine(Folder, "fake");
        File.WriteAllText(file, $"#!/bin/sh\necho $CNI_COMMAND >> $0.asked\n{script}\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
