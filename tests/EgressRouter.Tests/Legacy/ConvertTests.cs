using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using EgressRouter.Legacy;
using Shared;
using YamlDotNet.RepresentationModel;
using YamlDotNet.Serialization;

namespace EgressRouter.Tests.Legacy;

/// <summary>
/// Every member of an object is carried over, or noted with its line. testdata/legacy/members.txt has the members that Kubernetes and
/// OpenShift define.
/// </summary>
public class ConvertTests
{
    private const string Text = "zz-value";
    private const string Key = "zz-key";

    private static readonly JsonSerializerOptions _lines = new() { WriteIndented = true, NewLine = "\n" };

    private static readonly ILookup<string, (string Name, string Type)> _members = File.ReadLines(
        Repository.PathOf("testdata", "legacy", "members.txt"))
        .Where(line => !line.StartsWith('#')).Select(line => line.Split(' ', 3)).ToLookup(
            fields => fields[0], fields => (fields[1], fields[2]));

    [Theory]
    [InlineData("Pod", "v1", false, 1700)]
    [InlineData("Pod", "v1", true, 1700)]
    [InlineData("Deployment", "apps/v1", false, 1700)]
    [InlineData("ReplicationController", "v1", false, 1700)]
    [InlineData("DeploymentConfig", "apps.openshift.io/v1", true, 1700)]
    public void Each_member_is_carried_over_or_noted(string kind, string version, bool isProxy, int least)
    {
        var lost = new List<string>();
        int count = 0;
        foreach (string[] path in Paths(kind, []).Where(path => path is not ["kind" or "apiVersion", _]))
        {
            // The first item of a list is the legacy container; an added item is another one.
            foreach (bool isAdded in path.Contains("[]") ? new[] { false, true } : [false])
            {
                JsonObject input = Base(kind, version, isProxy);
                string[] keys = Set(input, path, isAdded);
                string text = input.ToJsonString(_lines);
                LegacyResult result = LegacyReader.FromYaml(text, kind);
                int[] lines = LinesOf(text, keys);
                // Renaming a variable takes it from the router, so that everything is refused.
                bool isReported = keys is [.., "env", "0", "name"] && !result.Faults.IsEmpty;
                isReported |= result.Faults.Concat(result.Notes).Any(fault => lines.Contains(fault.Line));
                string manifest = result.Faults.IsEmpty ? LegacyManifest.Of(result.Routers[0], null, null) : "";
                // A comment holds the name and the image of the legacy container.
                bool isCarried = IsIn(manifest, path)
                    || (keys is [.., "containers", "0", "name"] && manifest.Contains($": {Text}\n", StringComparison.Ordinal))
                    || (keys is [.., "containers", "0", "image"] && manifest.Contains($": router {Text}\n", StringComparison.Ordinal));
                count++;
                if (!isReported && !isCarried)
                {
                    lost.Add($"{string.Join('.', keys)}: {string.Join("; ", result.Faults.Select(fault => fault.Reason))}");
                }
            }
        }

        Assert.True(lost.Count == 0, string.Join('\n', lost));
        Assert.InRange(count, least, int.MaxValue);
    }

    /// <summary>Words that YAML 1.1 or 1.2 reads as another type unless a string is requested.</summary>
    [Theory]
    [InlineData("true", "123")]
    [InlineData("null", "1e3")]
    [InlineData("on", "0x1f")]
    [InlineData("off", "1-2-3")]
    [InlineData("yes", "2001-01-01")]
    [InlineData("n", "null")]
    [InlineData("e3", "1")]
    [InlineData("y", "no")]
    public void Names_are_read_back_as_strings(string name, string space)
    {
        JsonObject input = Base("Pod", "v1", isProxy: true);
        input["metadata"] = new JsonObject
        {
            ["name"] = name,
            ["namespace"] = space,
            ["labels"] = new JsonObject { [name] = name },
            ["annotations"] = new JsonObject { ["a"] = space }
        };
        LegacyResult result = LegacyReader.FromYaml(input.ToJsonString(_lines), "pod");
        Assert.Empty(result.Faults);
        string text = LegacyManifest.Of(result.Routers[0], null, "1e3");
        IDeserializer reader = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build();
        string[] documents = text.Split("---\n");
        Assert.Equal(3, documents.Length);
        foreach (string document in documents)
        {
            var read = (Dictionary<object, object>)reader.Deserialize<object>(document)!;
            var metadata = (Dictionary<object, object>)read["metadata"];
            Assert.Equal((name, space), (metadata["name"], metadata["namespace"]));
        }

        var deployment = new YamlStream();
        deployment.Load(new StringReader(documents[1]));
        Assert.Contains($"spec.template.metadata.labels.{name}={name}", Flat(deployment.Documents[0].RootNode, ""));
        object pod = reader.Deserialize<Dictionary<string, Dictionary<string, Dictionary<string, object>>>>(
            documents[1][documents[1].IndexOf("spec:\n", StringComparison.Ordinal)..]
                .Replace("  replicas: 1\n", "", StringComparison.Ordinal))["spec"]["template"]["metadata"];
        var labels = (Dictionary<object, object>)((Dictionary<object, object>)pod)["labels"];
        Assert.Equal(name, labels[name]);
    }

    /// <summary>The pod's other networks stay first, so that their interfaces keep their names.</summary>
    [Theory]
    [InlineData("storage", "storage, r")]
    [InlineData("a, b/c@net7 ", "a, b/c@net7, r")]
    [InlineData("[{\"name\": \"a\"}]", "[{\"name\": \"a\"}, {\"name\": \"r\"}]")]
    [InlineData("[ ]", "[{\"name\": \"r\"}]")]
    public void Other_networks(string before, string after)
    {
        JsonObject input = Base("Pod", "v1", isProxy: false);
        input["metadata"] = new JsonObject
        {
            ["name"] = "r",
            ["annotations"] = new JsonObject { ["k8s.v1.cni.cncf.io/networks"] = before }
        };
        LegacyRouter router = LegacyReader.FromYaml(input.ToJsonString(_lines), "pod").Routers[0];
        Assert.True(IsIn(LegacyManifest.Of(router, null, null), ["annotations", "k8s.v1.cni.cncf.io/networks"], after));
    }

    private static JsonObject Base(string kind, string version, bool isProxy)
    {
        JsonObject Variable(string name, string value) => new() { ["name"] = name, ["value"] = value };
        var variables = new JsonArray(Variable("EGRESS_SOURCE", "192.168.12.99"), Variable("EGRESS_GATEWAY", "192.168.12.1"));
        if (isProxy)
        {
            variables.Add(Variable("EGRESS_ROUTER_MODE", "dns-proxy"));
            variables.Add(Variable("EGRESS_DNS_PROXY_DESTINATION", "80 203.0.113.25"));
        }
        else
        {
            variables.Add(Variable("EGRESS_DESTINATION", "203.0.113.25"));
        }

        var spec = new JsonObject { ["containers"] = new JsonArray(new JsonObject { ["name"] = "router", ["env"] = variables }) };
        var metadata = new JsonObject { ["name"] = "router" };
        return kind == "Pod"
            ? new JsonObject { ["apiVersion"] = version, ["kind"] = kind, ["metadata"] = metadata, ["spec"] = spec }
            : new JsonObject
            {
                ["apiVersion"] = version,
                ["kind"] = kind,
                ["metadata"] = metadata,
                ["spec"] = new JsonObject { ["template"] = new JsonObject { ["spec"] = spec } }
            };
    }

    /// <summary>The paths of all leaf members; "[]" is a list item.</summary>
    private static IEnumerable<string[]> Paths(string type, string[] before) => _members[type].SelectMany(member =>
    {
        string of = member.Type;
        string[] path = [.. before, member.Name];
        while (of.StartsWith("list ", StringComparison.Ordinal) || of.StartsWith("map ", StringComparison.Ordinal))
        {
            path = [.. path, of[0] == 'l' ? "[]" : Key];
            of = of[(of.IndexOf(' ', StringComparison.Ordinal) + 1)..];
        }

        return _members.Contains(of) ? Paths(of, path) : [[.. path, "=" + of]];
    });

    /// <summary>Sets a member, and returns its path with list indexes.</summary>
    private static string[] Set(JsonObject input, string[] path, bool isAdded)
    {
        JsonNode at = input;
        var keys = new List<string>();
        for (int i = 0; i + 1 < path.Length; i++)
        {
            bool isLast = i + 2 == path.Length;
            JsonNode child = isLast ? Value(path[^1]) : path[i + 1] == "[]" ? new JsonArray() : new JsonObject();
            if (path[i] == "[]")
            {
                var list = (JsonArray)at;
                bool isThere = list.Count > 0 && list[0] is JsonObject && !isAdded && !isLast;
                if (!isThere)
                {
                    list.Add(child);
                }

                keys.Add((isThere ? 0 : list.Count - 1).ToString(CultureInfo.InvariantCulture));
                at = isThere ? list[0]! : child;
            }
            else
            {
                var mapping = (JsonObject)at;
                if (isLast || mapping[path[i]] is null)
                {
                    mapping[path[i]] = child;
                }

                keys.Add(path[i]);
                at = mapping[path[i]]!;
            }
        }

        return [.. keys];
    }

    private static JsonNode Value(string type) => type switch
    {
        "=boolean" => true,
        "=integer" => 7,
        _ => Text,
    };

    /// <summary>The lines of the keys and items on a member's path.</summary>
    private static int[] LinesOf(string text, string[] keys)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        YamlNode node = stream.Documents[0].RootNode;
        var lines = new List<int>();
        foreach (string key in keys)
        {
            if (node is YamlSequenceNode list)
            {
                node = list.Children[int.Parse(key, CultureInfo.InvariantCulture)];
                lines.Add((int)node.Start.Line);
            }
            else
            {
                (YamlNode name, node) = ((YamlMappingNode)node).Children.Single(member => member.Key.ToString() == key);
                lines.Add((int)name.Start.Line);
            }
        }

        return [.. lines];
    }

    private static bool IsIn(string manifest, string[] path) =>
        IsIn(manifest, path[..^1], path[^1] switch { "=boolean" => "true", "=integer" => "7", _ => Text });

    /// <summary>
    /// Whether an object has the value at that path, or at the end of a longer one: a template contains the pod's specification.
    /// </summary>
    private static bool IsIn(string manifest, string[] path, string value)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(manifest));
        string[] names = [.. path.Where(name => name != "[]")];
        string end = "." + string.Join('.', names[0] == "spec" && names.Length > 2 ? names[1..] : names) + "=" + value;
        return stream.Documents.SelectMany(document => Flat(document.RootNode, "")).Any(
            flat => ("." + flat.Replace(".matchLabels.", ".", StringComparison.Ordinal)).EndsWith(
                end.Replace(".matchLabels.", ".", StringComparison.Ordinal), StringComparison.Ordinal));
    }

    private static IEnumerable<string> Flat(YamlNode node, string before) => node switch
    {
        YamlMappingNode mapping =>
            mapping.Children.SelectMany(member => Flat(member.Value, before.Length == 0 ? $"{member.Key}" : $"{before}.{member.Key}")),
        YamlSequenceNode list => list.Children.SelectMany(item => Flat(item, before)),
        _ => [$"{before}={node}"],
    };
}
