using System.Text.Json.Nodes;
using Shared;

namespace SystemTests.Packaging;

/// <summary>The images, as OCI layouts that a registry or an engine takes.</summary>
public sealed class ImageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("er-image-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("egress-router-cni", "", "/egress-routerctl install --to /host/opt/cni/bin --stay", "egress-router", "egress-routerctl")]
    [InlineData("egress-operator", "65534:65534 HOME=/", "/egress-operator controller", "egress-operator")]
    public void An_image_holds_its_executables_and_nothing_else(string name, string environment, string runs, params string[] executables)
    {
        string archive = Make(name);
        byte[] bytes = File.ReadAllBytes(archive);
        Command.Must("tar", ["-xf", archive, "-C", _folder]);
        JsonNode index = Read("index.json");
        JsonNode image = Assert.Single(Blob(Assert.Single(index["manifests"]!.AsArray())!)["manifests"]!.AsArray())!;
        Assert.Equal(("amd64", "linux"), ((string?)image["platform"]!["architecture"], (string?)image["platform"]!["os"]));
        JsonNode manifest = Blob(image);
        JsonNode config = Blob(manifest["config"]!);
        JsonNode settings = config["config"]!;
        Assert.Equal(runs, string.Join(' ', settings["Entrypoint"]!.AsArray().Concat(settings["Cmd"]!.AsArray())));
        Assert.Equal(environment, string.Join(' ', (settings["Env"]?.AsArray() ?? []).Prepend(settings["User"]).OfType<JsonNode>()));
        Assert.Equal(name, (string?)settings["Labels"]!["org.opencontainers.image.title"]);
        string layer = PathOf(Assert.Single(manifest["layers"]!.AsArray())!);
        Assert.Equal(executables, Command.Must("tar", ["-tzf", layer]).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Command.Must("tar", ["-xzf", layer, "-C", _folder]);
        Assert.All(executables, executable => Assert.Equal(
            File.ReadAllBytes(Repository.PathOf("out", executable)), File.ReadAllBytes(Path.Combine(_folder, executable))));
        string content = Command.Must("sh", ["-c", "gzip -dc \"$0\" | sha256sum", layer]).Split(' ')[0];
        Assert.Equal("sha256:" + content, (string?)Assert.Single(config["rootfs"]!["diff_ids"]!.AsArray()));
        Assert.Equal(bytes, File.ReadAllBytes(Make(name)));
    }

    /// <summary>Debian's podman takes it, and what is in it installs itself into a folder of the node.</summary>
    [ContainerFact]
    public void Podman_loads_it_and_it_installs_itself()
    {
        string archive = Make("egress-router-cni");
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

    [ContainerFact]
    public void Podman_runs_the_operator()
    {
        string archive = Make("egress-operator");
        using var lab = new Lab();
        using var podman = new Podman(lab);
        string name = podman.Must("load", "--quiet", "--input", archive).Trim().Split(": ")[1];
        string[] run = ["run", "--rm", "--network", "none", "--read-only", "--cap-drop", "all"];
        string examples = Repository.PathOf("packaging", "operator", "examples");
        Assert.Equal(
            Command.Must(EgressIp.OperatorProcess.Program, ["simulate", "-f", examples + "/bare-metal.yaml"]),
            podman.Must([.. run, "--volume", examples + ":/examples:ro", name, "simulate", "-f", "/examples/bare-metal.yaml"]));
        // What it runs without arguments, the controller, finds no cluster.
        CommandResult controller = podman.Run([.. run, name]);
        Assert.True(controller is { ExitCode: 2, Stdout: "" }, controller.ToString());
        Assert.Contains("/.kube/config", controller.Stderr, StringComparison.Ordinal);
    }

    private static string Make(string name)
    {
        CommandResult made = Command.Run(Repository.PathOf("scripts", "image.sh"), [], limit: TimeSpan.FromMinutes(3));
        Assert.True(made.ExitCode == 0, made.ToString());
        string version = Command.Must(Lab.Plugin, ["--version"]).Split(' ')[1];
        return Repository.PathOf("out", $"{name}-{version}.oci.tar");
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
