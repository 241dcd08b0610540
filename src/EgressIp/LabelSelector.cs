using System.Collections.Immutable;
using Cni;

namespace EgressIp;

/// <summary>A label selector of Kubernetes: all labels and all requirements have to match. An empty one matches everything.</summary>
public sealed record LabelSelector(
    IReadOnlyDictionary<string, string> MatchLabels,
    ImmutableArray<LabelSelectorRequirement> MatchExpressions)
{
    /// <summary>The empty selector.</summary>
    public static LabelSelector Everything { get; } = new(ImmutableDictionary<string, string>.Empty, []);

    /// <summary>Why the API server would refuse the selector; null if it is valid.</summary>
    public string? WhyInvalid()
    {
        foreach ((string key, string value) in MatchLabels.OrderBy(label => label.Key, StringComparer.Ordinal))
        {
            if ((LabelSyntax.WhyInvalidKey(key) ?? LabelSyntax.WhyInvalidValue(value)) is string fault)
            {
                return $"matchLabels: {fault}";
            }
        }

        for (int index = 0; index < MatchExpressions.Length; index++)
        {
            if (MatchExpressions[index].WhyInvalid() is string fault)
            {
                return $"matchExpressions[{index}]: {fault}";
            }
        }

        return null;
    }

    /// <summary>Whether the labels match. An invalid selector matches nothing.</summary>
    public bool Matches(IReadOnlyDictionary<string, string> labels) =>
        MatchLabels.All(wanted => labels.TryGetValue(wanted.Key, out string? value) && value == wanted.Value)
        && MatchExpressions.All(requirement => requirement.Matches(labels));
}

/// <summary>One of matchExpressions.</summary>
/// <param name="Operator">In, NotIn, Exists or DoesNotExist, as written.</param>
public sealed record LabelSelectorRequirement(string Key, string Operator, ImmutableArray<string> Values)
{
    internal string? WhyInvalid()
    {
        bool takesValues = Operator is "In" or "NotIn";
        return !takesValues && Operator is not ("Exists" or "DoesNotExist")
                ? $"operator \"{SafeText.Part(Operator)}\" is not In, NotIn, Exists or DoesNotExist"
            : takesValues && Values.IsEmpty ? $"operator {Operator} needs values"
            : !takesValues && !Values.IsEmpty ? $"operator {Operator} takes no values"
            : LabelSyntax.WhyInvalidKey(Key) ?? Values.Select(LabelSyntax.WhyInvalidValue).FirstOrDefault(fault => fault is not null);
    }

    internal bool Matches(IReadOnlyDictionary<string, string> labels)
    {
        bool isPresent = labels.TryGetValue(Key, out string? value);
        return Operator switch
        {
            "In" => isPresent && Values.Contains(value!),

            // An absent key is in no list.
            "NotIn" => !isPresent || !Values.Contains(value!),
            "Exists" => isPresent,
            "DoesNotExist" => !isPresent,
            _ => false,
        };
    }
}
