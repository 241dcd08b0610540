using System.Collections.Immutable;
using System.Text.Json;
using Cni;
using EgressRouter.Config;

namespace EgressRouter.Tools;

/// <summary>A fault, or something doubtful, and where it stands.</summary>
/// <param name="Place">Where in its file.</param>
/// <param name="Fault">What it is.</param>
/// <param name="IsWarning">Whether the configuration works all the same.</param>
internal sealed record Finding(ConfigSource Source, SourcePosition Place, ConfigError Fault, bool IsWarning)
{
    /// <summary>The place in the form that editors know.</summary>
    public string Where => $"{Source?.File}:{Place.Line}:{Place.Column}:";

    /// <summary>How bad it is.</summary>
    public string Severity => IsWarning ? "warning:" : "error:";

    /// <summary>What is wrong.</summary>
    public string What =>
        $"{(Source?.Name is string name ? $"{SafeText.Short(name)}: " : "")}{(Fault?.Path.IsRoot == true ? Fault.Reason : Fault)}";

    /// <summary>One line: <c>nad.yaml:12:24: error: ip.gateway: is missing</c>.</summary>
    public override string ToString() => $"{Where} {Severity} {What}";
}

/// <summary>A configuration of this plugin, alone or out of a list.</summary>
/// <param name="Source">Where it stands.</param>
/// <param name="Json">The configuration, as the plugin would get it.</param>
/// <param name="Path">The JSON path of it: empty, or <c>plugins[0]</c>.</param>
internal sealed record PluginConfig(ConfigSource Source, string Network, JsonElement Json, JsonPath Path);

/// <summary>Everything that can be said of a configuration without a node.</summary>
internal static class Validation
{
    private const string PluginType = "egress-router";

    /// <summary>All that is wrong with a configuration, and all that is doubtful, in the order of the text.</summary>
    public static ImmutableArray<Finding> Inspect(ConfigSource source)
    {
        if (BrokenIn(source) is Finding broken)
        {
            return [broken];
        }

        JsonElement root = Parse(source);
        var found = new List<(ConfigError Fault, bool IsWarning)>();
        void Add(JsonPath document, ConfigError fault, bool isWarning) =>
            found.Add((fault with { Path = fault.Path.Within(document) }, isWarning));
        foreach (ConfigError fault in HeaderFaults(root, source.IsDefinition))
        {
            Add(JsonPath.Root, fault, isWarning: false);
        }

        (JsonPath Path, JsonElement Json)[] plugins = [.. PluginsOf(root)];
        foreach ((JsonPath path, JsonElement json) in plugins)
        {
            ConfigResult result = RouterConfig.Parse(json, forAnyPod: true);
            result.Faults.ToList().ForEach(fault => Add(path, fault, isWarning: false));
            result.Warnings.ToList().ForEach(fault => Add(path, fault, isWarning: true));
        }

        if (plugins.Length == 0)
        {
            Add(JsonPath.Root, FaultOfType(root), isWarning: false);
        }

        var places = new JsonOffsets(source.Json.Span, found.Select(finding => finding.Fault.Path));
        return
        [
            .. found.Select(
                finding => (finding.Fault, finding.IsWarning, Offset: places.OffsetOf(finding.Fault.Path)))
                    .OrderBy(finding => finding.Offset)
                .Select(finding => new Finding(source, source.PlaceOf(finding.Offset), finding.Fault, finding.IsWarning)),
        ];
    }

    /// <summary>
    /// Those of this plugin; all where none is. In a cluster there are definitions of other plugins too, which are none of our business.
    /// </summary>
    /// <param name="sources">The configurations of a file.</param>
    public static ImmutableArray<ConfigSource> Ours(ImmutableArray<ConfigSource> sources)
    {
        ImmutableArray<ConfigSource> ours = [.. sources.Where(source => !IsOfOthers(source))];
        return ours.IsEmpty ? sources : ours;
    }

    /// <summary>The configurations of this plugin in a text.</summary>
    /// <exception cref="UsageException">There is none, or the text is not JSON.</exception>
    public static ImmutableArray<PluginConfig> Plugins(ConfigSource source)
    {
        if (BrokenIn(source) is Finding broken)
        {
            throw new UsageException(broken.ToString());
        }

        JsonElement root = Parse(source);
        string network = JsonText.OfMember(root, "name") is { Length: > 0 } name ? name : source.Name ?? "";
        ImmutableArray<PluginConfig> plugins = [.. PluginsOf(root)
            .Select(plugin => new PluginConfig(source, network, plugin.Json, plugin.Path))];
        return plugins.IsEmpty ? throw new UsageException($"{source.File}: {FaultOfType(root)}") : plugins;
    }

    private static JsonElement Parse(ConfigSource source)
    {
        using JsonDocument document = JsonDocument.Parse(source.Json);
        return document.RootElement.Clone();
    }

    /// <summary>Why the plugin would not read the text at all; null where it would.</summary>
    private static Finding? BrokenIn(ConfigSource source)
    {
        JsonSyntaxError? fault = source.Json.Length > JsonSyntaxError.LongestText
            ? new JsonSyntaxError($"it is longer than {JsonSyntaxError.LongestText} bytes") : JsonSyntaxError.Find(source.Json.Span);
        return fault is null ? null
            : new Finding(
                source, source.PlaceOf(OffsetOf(source.Json.Span, fault)), new ConfigError(JsonPath.Root, null, fault.Reason),
                IsWarning: false);
    }

    private static bool IsOfOthers(ConfigSource source)
    {
        if (!source.IsDefinition || BrokenIn(source) is not null || Parse(source) is not { ValueKind: JsonValueKind.Object } root)
        {
            return false;
        }

        JsonElement[] plugins = root.TryGetProperty("plugins", out JsonElement list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray()]
            : [root];
        return plugins.Length > 0 && plugins.All(plugin => JsonText.OfMember(plugin, "type") is string type && !IsNear(type));
    }

    private static bool IsNear(string type) => EditDistance.Between(type, PluginType, 3) <= 3;

    private static IEnumerable<(JsonPath Path, JsonElement Json)> PluginsOf(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            return [];
        }

        return root.TryGetProperty("plugins", out JsonElement plugins) && plugins.ValueKind == JsonValueKind.Array
            ? plugins.EnumerateArray().Select((plugin, index) => (JsonPath.Root.Member("plugins").Item(index), plugin)).Where(
                item => JsonText.OfMember(item.plugin, "type") == PluginType)
            : JsonText.OfMember(root, "type") == PluginType ? [(JsonPath.Root, root)] : [];
    }

    private static ConfigError FaultOfType(JsonElement root)
    {
        if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("plugins", out _))
        {
            return new ConfigError("plugins", null, $"none has type \"{PluginType}\"");
        }

        return JsonText.OfMember(root, "type") is string type
            ? new ConfigError("type", type, IsNear(type) ? $"did you mean \"{PluginType}\"?" : $"is not \"{PluginType}\"")
            : new ConfigError("type", null, $"is missing; it must be \"{PluginType}\"");
    }

    /// <summary>What a runtime and the protocol want of a configuration. Multus gives a name to one that has none.</summary>
    private static IEnumerable<ConfigError> HeaderFaults(JsonElement root, bool isNamedElsewhere)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            yield break;
        }

        string? name = JsonText.OfMember(root, "name");
        if (name is null ? !isNamedElsewhere || root.TryGetProperty("name", out _) : !Identifiers.IsValid(name))
        {
            yield return new ConfigError("name", name, name is null
                ? "is missing" : "must consist of letters, digits, '_', '.' and '-', and begin with a letter or digit");
        }

        string? version = JsonText.OfMember(root, "cniVersion");
        if (root.TryGetProperty("cniVersion", out _) && version is not "" && !CniVersions.TryParse(version, out _))
        {
            yield return new ConfigError(
                "cniVersion", version, $"is not one of {string.Join(", ", CniVersions.All.Select(known => known.Text()))}");
        }
    }

    private static int OffsetOf(ReadOnlySpan<byte> text, JsonSyntaxError fault)
    {
        int start = 0;
        for (int line = 1; line < fault.Line; line++)
        {
            start += text[start..].IndexOf((byte)'\n') + 1;
        }

        return Math.Min(start + fault.Byte - 1, text.Length);
    }
}
