using System.Collections.Immutable;
using System.Text.Json;
using Cni;
using EgressRouter.Config;

namespace EgressRouter.Tools;

/// <summary>A fault or a warning, and its position.</summary>
/// <param name="Place">The position in the file.</param>
/// <param name="Fault">The fault.</param>
/// <param name="IsWarning">Whether the configuration works nevertheless.</param>
internal sealed record Finding(ConfigSource Source, SourcePosition Place, ConfigError Fault, bool IsWarning)
{
    /// <summary>The position in the format that editors parse.</summary>
    public string Where => $"{Source?.File}:{Place.Line}:{Place.Column}:";

    public string Severity => IsWarning ? "warning:" : "error:";

    public string What =>
        $"{(Source?.Name is string name ? $"{SafeText.Short(name)}: " : "")}{(Fault?.Path.IsRoot == true ? Fault.Reason : Fault)}";

    /// <summary>One line: <c>nad.yaml:12:24: error: ip.gateway: is missing</c>.</summary>
    public override string ToString() => $"{Where} {Severity} {What}";
}

/// <summary>A configuration of this plugin, alone or from a configuration list.</summary>
/// <param name="Source">The source of the configuration.</param>
/// <param name="Json">The configuration, as the runtime would pass it to the plugin.</param>
/// <param name="Path">Its JSON path: empty, or <c>plugins[0]</c>.</param>
internal sealed record PluginConfig(ConfigSource Source, string Network, JsonElement Json, JsonPath Path);

/// <summary>Checks a configuration without a node.</summary>
internal static class Validation
{
    private const string PluginType = "egress-router";

    /// <summary>Returns all faults and warnings of a configuration, in the order of the text.</summary>
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
            (ImmutableArray<ConfigError> errors, ImmutableArray<ConfigError> warnings) = FaultsOf(json);
            errors.ToList().ForEach(fault => Add(path, fault, isWarning: false));
            warnings.ToList().ForEach(fault => Add(path, fault, isWarning: true));
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

    private static (ImmutableArray<ConfigError> Errors, ImmutableArray<ConfigError> Warnings) FaultsOf(JsonElement json)
    {
        if (GateConfig.IsIn(json))
        {
            return (GateConfig.Parse(json, out _), []);
        }

        ConfigResult result = RouterConfig.Parse(json, forAnyPod: true);
        return (result.Errors, result.Warnings);
    }

    /// <summary>
    /// Returns the sources of this plugin, or all if none is: a cluster's definitions are partly those of other plugins.
    /// </summary>
    public static ImmutableArray<ConfigSource> Ours(ImmutableArray<ConfigSource> sources)
    {
        ImmutableArray<ConfigSource> ours = [.. sources.Where(source => !IsForOtherPlugin(source))];
        return ours.IsEmpty ? sources : ours;
    }

    /// <summary>Returns the configurations of this plugin in a text.</summary>
    /// <exception cref="UsageException">The text has none, or is not JSON.</exception>
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

    /// <summary>Returns why the plugin cannot parse the text, or null if it can.</summary>
    private static Finding? BrokenIn(ConfigSource source)
    {
        JsonSyntaxError? fault = source.Json.Length > JsonSyntaxError.LongestText
            ? new JsonSyntaxError($"it is longer than {JsonSyntaxError.LongestText} bytes") : JsonSyntaxError.Find(source.Json.Span);
        return fault is null ? null
            : new Finding(
                source, source.PlaceOf(OffsetOf(source.Json.Span, fault)), new ConfigError(JsonPath.Root, null, fault.Reason),
                IsWarning: false);
    }

    private static bool IsForOtherPlugin(ConfigSource source)
    {
        if (!source.IsDefinition || BrokenIn(source) is not null || Parse(source) is not { ValueKind: JsonValueKind.Object } root)
        {
            return false;
        }

        JsonElement[] plugins = root.TryGetProperty("plugins", out JsonElement list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray()]
            : [root];
        return plugins.Length > 0 && plugins.All(plugin => JsonText.OfMember(plugin, "type") is string type && !IsSimilar(type));
    }

    private static bool IsSimilar(string type) => EditDistance.Between(type, PluginType, 3) <= 3;

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
            ? new ConfigError("type", type, IsSimilar(type) ? $"did you mean \"{PluginType}\"?" : $"is not \"{PluginType}\"")
            : new ConfigError("type", null, $"is missing; it must be \"{PluginType}\"");
    }

    /// <summary>Checks what the CNI specification requires. Multus names a configuration that has no name.</summary>
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
