using System.Text.RegularExpressions;
using Shared;
using YamlDotNet.RepresentationModel;

namespace SystemTests.Packaging;

/// <summary>
/// The Containerfiles, built by podman. No registry is asked: the base image is this machine's shell here, with an apt-get
/// that only writes down what it is asked for.
/// </summary>
public class ContainerfileTests
{
    private const string Base = """
        set -e
        cd "$1"
        mkdir -p usr/bin
        printf '#!/bin/sh\necho "$*" >>/asked\n' >usr/bin/apt-get
        chmod 0755 usr/bin/apt-get
        for program in /bin/sh /bin/rm /usr/bin/install; do
            echo $program
            ldd $program | grep -o '/[^ ]*'
        done | sort -u | xargs cp --dereference --parents --target-directory .
        tar -cf ../base.tar .
        """;

    /// <summary>What a build takes from outside is named by a version, which is an argument with a default.</summary>
    [Fact]
    public void Each_base_image_and_each_package_has_a_version()
    {
        string[] files = Directory.GetFiles(Repository.PathOf("packaging"), "*Containerfile*", SearchOption.AllDirectories);
        Assert.Equal(2, files.Length);
        foreach (string file in files)
        {
            string text = File.ReadAllText(file).Replace("\\\n", " ", StringComparison.Ordinal);
            string[] words = [.. text.Split('\n').Where(line => !line.StartsWith('#'))
                .SelectMany(line => line.Split((char[])[' ', ';', '&'], StringSplitOptions.RemoveEmptyEntries))];
            HashSet<string> arguments = [.. Regex.Matches(text, "(?m)^ARG ([A-Z]+)=[^ ]+$").Select(match => match.Groups[1].Value)];
            foreach (string image in words.Where((_, index) => index > 0 && words[index - 1] == "FROM" && words[index] != "scratch"))
            {
                Assert.Contains(Regex.Match(image, @"^[a-z./-]+:\$\{([A-Z]+)\}$").Groups[1].Value, arguments);
            }

            // The packages stand behind the options, and before the next command.
            foreach (Match install in Regex.Matches(text, "apt-get install ([^&;\n]*)"))
            {
                string[] packages = [.. install.Groups[1].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                    .Where(word => !word.StartsWith('-'))];
                Assert.NotEmpty(packages);
                Assert.All(
                    packages, package => Assert.Contains(Regex.Match(package, @"^[a-z0-9-]+=\$\{([A-Z]+)\}$").Groups[1].Value, arguments));
            }
        }
    }

    /// <summary>As an ordinary user, with the list of the manifest.</summary>
    [ContainerTheory]
    [InlineData("http-proxy", "squid=5.7-2+deb12u6", "203.0.113.0/24")]
    [InlineData("dns-proxy", "haproxy=2.6.12-1+deb12u4", "203.0.113.26:443")]
    public void The_image_of_a_proxy_becomes_it(string verb, string package, string printedOfList)
    {
        using var lab = new Lab();
        Lab.Batch(lab.Node, """
            link add net1 link lan0 group 17746 type macvlan
            address add 192.168.12.99/24 dev net1
            link set net1 up
            """);
        using var podman = new Podman(lab);
        string folder = Directory.CreateDirectory(Path.Combine(podman.Folder, "base")).FullName;
        Command.Must("sh", ["-c", Base, "sh", folder]);
        podman.Must("import", "--quiet", folder + ".tar", "docker.io/library/debian:12.11-slim");
        Build(podman, $"packaging/images/{verb}/Containerfile", verb);

        string root = podman.Must("image", "mount", verb).Trim();
        Assert.Equal($"update\ninstall -y --no-install-recommends {package}\n", File.ReadAllText(Path.Combine(root, "asked")));
        Command.Must("dpkg-query", ["--show", package.Split('=')[0]]);
        Assert.Equal("65534:65534\n", Command.Must("stat", ["--format=%u:%g", Path.Combine(root, "run", "egress-router")]));
        Assert.Equal("65534:65534\n", podman.Must("image", "inspect", "--format", "{{.Config.User}}", verb));

        string[] variables = [.. Manifest.EnvironmentOf(verb + ".yaml")
            .SelectMany(pair => (string[])["--env", $"{pair.Key}={pair.Value}"])];
        string printed = podman.Must(
            ["run", "--rm", "--network", "host", "--read-only", "--cap-drop", "all", .. variables, verb, "--print"]);
        Assert.Contains(printedOfList, printed, StringComparison.Ordinal);

        // What the kubelet runs in it is there, and answers; there is no proxy.
        YamlNode container = Assert.Single(
            Manifest.Containers(
                Assert.Single(Manifest.Read($"packaging/manifests/{verb}.yaml", "Deployment"))["spec"]["template"]["spec"]));
        string[] probe = [.. Manifest.List(container, "readinessProbe", "exec", "command").Select(Manifest.Text)];
        CommandResult health = podman.Run(["run", "--rm", "--network", "host", "--entrypoint", probe[0], verb, .. probe[1..]]);
        Assert.True(health.ExitCode == 1, health.ToString());
    }

    private static void Build(Podman podman, string file, string name) =>
        podman.Must(
            "build", "--quiet", "--pull=never", "--isolation", "chroot", "--network", "host", "--file", Repository.PathOf(file), "--tag",
            name, Repository.Root);
}
