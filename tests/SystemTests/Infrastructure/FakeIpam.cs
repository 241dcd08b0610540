using System.Text.Json.Nodes;

namespace SystemTests;

/// <summary>An IPAM plugin that says what a test wants, in a folder of its own.</summary>
/// <param name="name">Its name.</param>
internal sealed class FakeIpam(string name = "fake") : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("fake-ipam-").FullName;

    private string Executable => Path.Combine(Folder, name);

    /// <summary>The commands that it was asked, if its script appends <c>$CNI_COMMAND</c> to <c>$0.asked</c>.</summary>
    public string[] Asked => File.Exists(Executable + ".asked") ? File.ReadAllLines(Executable + ".asked") : [];

    /// <summary>Makes it a shell script.</summary>
    public void Write(string script)
    {
        File.WriteAllText(Executable, $"#!/bin/sh\necho $CNI_COMMAND >> $0.asked\n{script}\n");
        File.SetUnixFileMode(Executable, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Makes it give 192.168.12.99/24 to each ADD, and returns a configuration that asks it.</summary>
    public string GiveAddress()
    {
        Write("""[ $CNI_COMMAND != ADD ] || echo '{"cniVersion":"0.4.0","ips":[{"version":"4","address":"192.168.12.99/24","gateway":"192.168.12.1"}]}'""");
        return Config.Changed(json =>
        {
            json["ip"] = new JsonObject { ["destinations"] = new JsonArray("192.168.12.91") };
            json["ipam"] = new JsonObject { ["type"] = name };
        });
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
