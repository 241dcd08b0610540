using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>Labels of pods, or of a selector of them.</summary>
internal static class LabelSet
{
    /// <summary>The labels of a mapping.</summary>
    public static HashSet<(string Key, string Value)> Of(YamlNode? labels) =>
        [.. ((labels as YamlMappingNode)?.Children.AsEnumerable() ?? []).Select(label => ($"{label.Key}", $"{label.Value}"))];
}
