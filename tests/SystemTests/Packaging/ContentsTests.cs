using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Shared;

namespace SystemTests.Packaging;

/// <summary>The list of what is in the executables: SPDX 2.3, by scripts/sbom.sh.</summary>
public class ContentsTests
{
    private const string DotNet = "runtime.linux-x64.Microsoft.DotNet.ILCompiler";

    private static readonly string[] _executables = ["egress-router", "egress-routerctl", "egress-operator"];

    private static readonly JsonNode _document = List(_executables);

    [Fact]
    public void It_begins_with_the_executables()
    {
        Assert.Equal("SPDX-2.3", (string?)_document["spdxVersion"]);
        Assert.Equal(
            _executables.Select(name => (name, Sum: Convert.ToHexStringLower(SHA256.HashData(BytesOf(name))))),
            Packages(_document).Take(3).Select(package =>
                ((string)package["name"]!, (string)package["checksums"]!.AsArray().Single()!["checksumValue"]!)));
    }

    /// <summary>Each part is there once, and is in an executable.</summary>
    [Fact]
    public void All_that_is_listed_is_linked()
    {
        string[] ids = [.. Packages(_document).Select(package => (string)package["SPDXID"]!)];
        Assert.Equal(ids.Length, ids.Distinct().Count());
        Assert.Equal(
            ids.Order(),
            _document["relationships"]!.AsArray().Select(relationship => (string)relationship!["relatedSpdxElement"]!).Distinct().Order());
    }

    [Fact]
    public void Every_license_is_noticed()
    {
        string notices = File.ReadAllText(Repository.PathOf("packaging", "THIRD-PARTY-NOTICES"));
        Assert.All(Packages(_document).Skip(3), package => Assert.Contains((string)package["name"]!, notices, StringComparison.Ordinal));
    }

    /// <summary>What runs for every pod has no library of the tools; only the operator has OpenSSL.</summary>
    [Theory]
    [InlineData("egress-router", "Serilog", "Serilog.Sinks.File", "Tmds.LibC", "glibc", "libgcc", DotNet)]
    [InlineData("egress-routerctl", "CommandLineParser", "Serilog", "Tmds.LibC", "YamlDotNet", "glibc", "libgcc", DotNet)]
    [InlineData(
        "egress-operator", "CommandLineParser", "KubernetesClient.Aot", "Microsoft.AspNetCore.App.Runtime.linux-x64", "Serilog",
        "Tmds.LibC", "YamlDotNet", "glibc", "libgcc", "openssl", "prometheus-net", DotNet)]
    public void An_executable_has_these_parts(string executable, params string[] parts)
    {
        Assert.Equal(parts.Order(StringComparer.Ordinal).Select(part => "SPDXRef-" + part), _document["relationships"]!.AsArray()
            .Where(relationship => (string?)relationship!["spdxElementId"] == "SPDXRef-" + executable)
            .Select(relationship => (string)relationship!["relatedSpdxElement"]!).Order(StringComparer.Ordinal));
        JsonNode alone = List(executable);
        Assert.Equal(parts.Append(executable).Order(), Packages(alone).Select(package => (string)package["name"]!).Order());
    }

    /// <summary>By the version of its package one sees whether a security update is in it.</summary>
    [Fact]
    public void OpenSSL_has_the_version_of_its_package()
    {
        JsonNode openssl = Packages(_document).Single(package => (string?)package["name"] == "openssl");
        string version = Command.Must("dpkg-query", ["--show", "--showformat=${Version}", "libssl-dev"]);
        Assert.Equal(version, (string?)openssl["versionInfo"]);
        Assert.EndsWith(
            $"/libssl-dev@{version}?arch=amd64", (string?)openssl["externalRefs"]!.AsArray().Single()!["referenceLocator"],
            StringComparison.Ordinal);
    }

    /// <summary>A library of KubernetesClient of which nothing is linked, and which is therefore not listed.</summary>
    [Fact]
    public void Nothing_of_Fractions_is_linked()
    {
        Assert.Equal(-1, BytesOf("egress-operator").IndexOf("Fractions"u8));
        Assert.NotEqual(-1, BytesOf("egress-operator").IndexOf("Prometheus"u8));
    }

    [Fact]
    public void Another_executable_is_refused()
    {
        CommandResult result = Command.Run(Repository.PathOf("scripts", "sbom.sh"), ["x"]);
        Assert.True(result is { ExitCode: 2, Stdout: "", Stderr: "sbom: there is no executable \"x\"\n" }, result.ToString());
    }

    private static ReadOnlySpan<byte> BytesOf(string executable) => File.ReadAllBytes(Repository.PathOf("out", executable));

    private static JsonNode List(params string[] executables) =>
        JsonNode.Parse(Command.Must(Repository.PathOf("scripts", "sbom.sh"), executables))!;

    private static IEnumerable<JsonNode> Packages(JsonNode document) => document["packages"]!.AsArray().Select(package => package!);
}
