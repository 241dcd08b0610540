using System.Text.RegularExpressions;
using EgressRouter.Config;
using Shared;

namespace EgressRouter.Tests.Config;

/// <summary>docs/configuration.md has every key of the code, once, and no other.</summary>
public partial class ReferenceTests
{
    private static readonly string[] _objects = ["ip", "interfaceArgs", "dns", "ipam"];

    [Fact]
    public void The_reference_has_every_key_and_no_other()
    {
        string[] lines = File.ReadAllLines(Repository.PathOf("docs", "configuration.md"));
        string[] table = [.. lines.SkipWhile(line => line != "| key | value | default |").Skip(2).TakeWhile(line => line.StartsWith('|'))];
        Assert.All(table, line => Assert.Equal(3, Regex.Count(line, @"(?<!\\)\|") - 1));
        string[] written = [.. table.SelectMany(line => Key().Matches(line.Split('|')[1]).Select(match => match.Groups[1].Value))];
        string[] known =
        [
            .. KnownKeys.Top.Except(_objects).Append("ipam"),
            .. KnownKeys.Ip.Select(key => "ip." + key), .. KnownKeys.InterfaceArgs.Select(key => "interfaceArgs." + key), .. KnownKeys.Dns.Select(key => "dns." + key),
        ];
        Assert.Equal(known.Order(), written.Order());
    }

    [GeneratedRegex("`([^`]*)`")]
    private static partial Regex Key();
}
