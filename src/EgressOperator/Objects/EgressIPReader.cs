using EgressIp;

namespace EgressOperator.Objects;

/// <summary>Reads objects of the kind EgressIP.</summary>
internal static class EgressIPReader
{
    public const string ApiVersion = "k8s.ovn.org/v1";

    public static EgressIP Read(KubernetesObject source)
    {
        Field spec = source.Root["spec"].OnlyWith("egressIPs", "namespaceSelector", "podSelector");
        if (spec["egressIPs"].IsMissing)
        {
            throw spec["egressIPs"].Fault("is missing");
        }

        return new EgressIP(
            source.Name,
            source.Created,
            [.. spec["egressIPs"].Items().Select(address => address.Text() ?? throw address.Fault("must be a string"))],
            Selector(spec["namespaceSelector"]) ?? throw spec["namespaceSelector"].Fault("is missing ({} selects all namespaces)"),
            Selector(spec["podSelector"]),
            [.. source.Root["status"]["items"].Items().Select(
                item => new StatusItem(Given(item["egressIP"]), Given(item["node"])))]);
    }

    private static LabelSelector? Selector(Field selector) => selector.IsMissing ? null : new LabelSelector(
        selector.OnlyWith("matchLabels", "matchExpressions")["matchLabels"].Texts(),
        [.. selector["matchExpressions"].Items().Select(Requirement)]);

    /// <summary>A text that is there. The API allows that it is empty: such an object must still be read.</summary>
    private static string Given(Field text) => text.Text() ?? throw text.Fault("is missing");

    private static LabelSelectorRequirement Requirement(Field requirement) => new(
        Given(requirement.OnlyWith("key", "operator", "values")["key"]),
        Given(requirement["operator"]),
        [.. requirement["values"].Items().Select(value => value.Text() ?? throw value.Fault("must be a string"))]);
}
