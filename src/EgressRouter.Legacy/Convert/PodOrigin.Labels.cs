using EgressRouter.Tools;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>The labels that select the pod.</summary>
internal sealed partial class PodOrigin
{
    /// <summary>Whether a Service's label selector selects the pod. An empty one selects none.</summary>
    public bool IsSelectedBy(YamlNode? selector) =>
        selector is YamlMappingNode { Children.Count: > 0 } && LabelSet.Of(selector).IsSubsetOf(LabelSet.Of(Labels));

    /// <summary>Adds a label that distinguishes the pod from others with the same labels.</summary>
    /// <param name="label">The label's name.</param>
    /// <param name="name">The label's value: the router's name.</param>
    /// <param name="place">The line of the router.</param>
    /// <param name="other">The name of the other router.</param>
    public void SetApart(string label, string name, int place, string other)
    {
        var added = new KeyValuePair<YamlNode, YamlNode>(
            label, new YamlScalarNode(name) { Style = YamlDotNet.Core.ScalarStyle.DoubleQuoted });
        Labels = new YamlMappingNode((Labels.Children.Count > 0 ? Labels : new YamlMappingNode("app", added.Value)).Children.Append(added));
        string immutable = "";
        if (Selector is not null)
        {
            var matchLabels = new YamlMappingNode(Members(Selector.Child("matchLabels")).Append(added));
            Selector = new YamlMappingNode(Members(Selector).Where(member => Name(member.Key) != "matchLabels")
                .Append(new("matchLabels", matchLabels)));
            immutable = "; a Deployment keeps its selector, so delete the old one before";
        }

        _notes.Add(new LegacyFault(
            place,
            $"the label {label}: {name} is added to the pods of {name} and to what selects them, which would select those of {other} too{immutable}"));
    }
}
