using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace EgressOperator.Objects;

/// <summary>What Kubernetes takes a YAML scalar for: a plain one may be no string.</summary>
internal static partial class YamlScalars
{
    private const string StringTag = "tag:yaml.org,2002:str";

    public static bool IsNull(YamlScalarNode scalar) => IsPlain(scalar) && scalar.Value is null or "" or "~" or "null" or "Null" or "NULL";

    public static bool IsString(YamlScalarNode scalar) =>
        !IsPlain(scalar) || !(IsNull(scalar) || Boolean().IsMatch(scalar.Value!) || Number().IsMatch(scalar.Value!));

    /// <summary>The boolean; null if it is none.</summary>
    public static bool? Bool(YamlScalarNode scalar) =>
        IsPlain(scalar) && Boolean().Match(scalar.Value ?? "") is { Success: true } match ? match.Groups["true"].Success : null;

    private static bool IsPlain(YamlScalarNode scalar) =>
        scalar.Style is ScalarStyle.Plain or ScalarStyle.Any && (scalar.Tag.IsEmpty || scalar.Tag.Value != StringTag);

    // YAML 1.1, which kubectl reads: "yes" and "on" are booleans.
    [GeneratedRegex("^(?:(?<true>true|True|TRUE|yes|Yes|YES|on|On|ON)|false|False|FALSE|no|No|NO|off|Off|OFF)$")]
    private static partial Regex Boolean();

    [GeneratedRegex(@"^[-+]?(?:0x[0-9a-fA-F_]+|0b[01_]+|0o[0-7_]+|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9_]+|\.inf|\.Inf|\.INF)$|^\.nan$")]
    private static partial Regex Number();
}
