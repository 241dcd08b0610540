using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>The labels of pods or of a selector, as a set.</summary>
internal static class LabelSet
{
    public static HashSet<(string Key, string Value)> Of(YamlNode? labels) =>
        [.. ((labels as YamlMappingNode)?.Children.AsEnumerable() ?? []).Select(label => ($"{label.Key}", $"{label.Value}"))];
}
