using System.Text.Json.Nodes;
using Shared;

namespace SystemTests.Packaging;

/// <summary>The image, as an OCI layout that a registry or an engine takes.</summary>
public sealed class ImageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("er-image-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_image_holds_the_two_executables_and_nothing_else()
    {
        string archive = Make();
        byte[] bytes = File.ReadAllBytes(archive);
        Command.Must("tar", ["-xf", archive, "-C", _folder]);
        JsonNode index = Read("index.json");
        JsonNode image = Assert.Single(Blob(Assert.Single(index["manifests"]!.AsArray())!)["manifests"]!.AsArray())!;
        Assert.Equal(("amd64", "linux"), ((string?)image["platform"]!["architecture"], (string?)image["platform"]!["os"]));
        JsonNode manifest = Blob(image);
        JsonNode config = Blob(manifest["config"]!);
        Assert.Equal("/egress-routerctl", (string?)config["config"]!["Entrypoint"]![0]);
        string layer = PathOf(Assert.Single(manifest["layers"]!.AsArray())!);
        Assert.Equal("egress-router\negress-routerctl\n", Command.Must("tar", ["-tzf", layer]));
        Command.Must("tar", ["-xzf", layer, "-C", _folder]);
        Assert.Equal(File.ReadAllBytes(Lab.Plugin), File.ReadAllBytes(Path.Combine(_folder, "egress-router")));
        Assert.Equal(File.ReadAllBytes(Lab.Ctl), File.ReadAllBytes(Path.Combine(_folder, "egress-routerctl")));
        string content = Command.Must("sh", ["-c", "gzip -dc \"$0\" | sha256sum", layer]).Split(' ')[0];
        Assert.Equal("sha256:" + content, (string?)Assert.Single(config["rootfs"]!["diff_ids"]!.AsArray()));
        Assert.Equal(bytes, File.ReadAllBytes(Make()));
    }

    /// <summary>Debian's podman takes it, and what is in it installs itself into a folder of the node.</summary>
    [ContainerFact]
    public void Podman_loads_it_and_it_installs_itself()
    {
        string archive = Make();
        using var lab = new Lab();
        using var podman = new Podman(lab);
        string target = Directory.CreateDirectory(Path.Combine(podman.Folder, "bin")).FullName;
        string name = podman.Must("load", "--quiet", "--input", archive).Trim().Split(": ")[1];
        string said = podman.Must(
            "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "all", "--volume", target + ":/host/opt/cni/bin",
            name, "install", "--to", "/host/opt/cni/bin");
        Assert.StartsWith("installed /host/opt/cni/bin/egress-router", said, StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(Lab.Plugin), File.ReadAllBytes(Path.Combine(target, "egress-router")));
    }

    private static string Make()
    {
        CommandResult made = Command.Run(Repository.PathOf("scripts", "image.sh"), [], limit: TimeSpan.FromMinutes(3));
        Assert.True(made.ExitCode == 0, made.ToString());
        string version = Command.Must(Lab.Plugin, ["--version"]).Split(' ')[1];
        return Repository.PathOf("out", $"egress-router-cni-{version}.oci.tar");
    }

    /// <summary>A blob, whose name has to be its hash, and whose size that of its descriptor.</summary>
    private JsonNode Blob(JsonNode descriptor) => JsonNode.Parse(File.ReadAllText(PathOf(descriptor)))!;

    private string PathOf(JsonNode descriptor)
    {
        string hash = ((string)descriptor["digest"]!)["sha256:".Length..];
        string path = Path.Combine(_folder, "blobs", "sha256", hash);
        byte[] bytes = File.ReadAllBytes(path);
        Assert.Equal(hash, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes)));
        Assert.Equal((int)descriptor["size"]!, bytes.Length);
        return path;
    }

    private JsonNode Read(string name) => JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, name)))!;
}
