using System.Collections.Immutable;
using EgressRouter.Tools;
using YamlDotNet.RepresentationModel;

namespace EgressRouter.Legacy;

/// <summary>The relations of a file's routers to each other and to the file's other objects.</summary>
/// <param name="documents">All objects of the file.</param>
/// <param name="routers">The routers of the file.</param>
/// <param name="space">The namespace of objects that have none.</param>
internal sealed class OtherObjects(IReadOnlyList<YamlNode> documents, IReadOnlyList<LegacyRouter> routers, string? space)
{
    /// <summary>A label that distinguishes a router's pods from others with the same labels.</summary>
    private const string OwnLabel = "egress-router";

    private readonly HashSet<YamlNode> _written = new(ReferenceEqualityComparer.Instance);

    private readonly List<LegacyFault> _notes = [];

    /// <summary>Assigns the Services to their routers, and distinguishes routers with the same labels.</summary>
    /// <param name="faults">Receives the conflicts.</param>
    public void Check(ICollection<LegacyFault> faults)
    {
        foreach (LegacyRouter[] same in routers.GroupBy(router => (router.Namespace, router.Name.Text)).Select(group => group.ToArray())
            .Where(group => group.Length > 1))
        {
            faults.Add(new LegacyFault(
                same[1].Name.Line,
                $"a second router of the name {same[0].Name.Text} in its namespace, the first is in line {same[0].Name.Line}"));
        }

        TakeServices(faults);
        foreach (IGrouping<string?, LegacyRouter> ofOne in routers.GroupBy(router => router.Namespace))
        {
            SetApart([.. ofOne], faults);
        }

        RequireFreeNames(faults);
    }

    /// <summary>The parts that are not carried over: members of the routers' objects, and whole other objects.</summary>
    public ImmutableArray<LegacyFault> Notes() =>
        [.. routers.SelectMany(router => router.Origin?.Notes ?? []).Concat(_notes)
            .Concat(
                documents.Where(document => !_written.Contains(document) && !IsRouter(document)).Select(NoteOf)).Distinct()
                    .OrderBy(note => note.Line)];

    private string? NamespaceOf(YamlNode document) => document.Text("metadata", "namespace") ?? space;

    private bool IsRouter(YamlNode document) =>
        document.Locate("metadata", "name") is LocatedText name
            ? routers.Any(router => router.Name == name)
            : routers.Any(router => router.Name.Line == document.Line());

    private void TakeServices(ICollection<LegacyFault> faults)
    {
        foreach (YamlNode service in documents.Where(document => document.Text("kind") == "Service"))
        {
            LegacyRouter[] owners = [.. routers.Where(router =>
                router.Namespace == NamespaceOf(service) && router.Origin?.IsSelectedBy(service.Child("spec", "selector")) == true)];
            if (owners.Length == 0)
            {
                continue;
            }

            _ = _written.Add(service);
            owners[0].Origin!.Take(service, owners[0].Namespace);
            foreach (LegacyRouter owner in owners)
            {
                owner.Origin!.HasService = true;
                owner.Origin.CheckPorts(service, faults);
            }

            if (owners.Length > 1)
            {
                string names = string.Join(" and ", owners.Select(owner => owner.Name.Text));
                _notes.Add(new LegacyFault(
                    service.Line(),
                    $"Service {service.Text("metadata", "name")} leads to {names}: it is written once, and leads to all of them"));
            }
        }
    }

    /// <summary>A router's Deployment or Service must not select another router's pods.</summary>
    private static void SetApart(IReadOnlyList<LegacyRouter> ofOne, ICollection<LegacyFault> faults)
    {
        (HashSet<(string, string)> Labels, HashSet<(string, string)> Selector)[] sets = [.. ofOne.Select(router =>
        {
            HashSet<(string, string)> labels = router.Origin is { Labels.Children.Count: > 0 } origin
                ? LabelSet.Of(origin.Labels)
                : [("app", router.Name.Text)];
            return (labels, router.Origin?.Selector is YamlMappingNode selector ? LabelSet.Of(selector.Child("matchLabels")) : labels);
        })];
        for (int i = 0; i < ofOne.Count; i++)
        {
            int other = Array.FindIndex(sets, set => !ReferenceEquals(set.Labels, sets[i].Labels)
                && (set.Selector.IsSubsetOf(sets[i].Labels) || sets[i].Selector.IsSubsetOf(set.Labels)));
            if (other < 0 || ofOne[i].Origin is not PodOrigin origin)
            {
                continue;
            }

            if (sets[i].Labels.FirstOrDefault(label => label.Item1 == OwnLabel) is (string, string value) && value != ofOne[i].Name.Text)
            {
                faults.Add(new LegacyFault(
                    ofOne[i].Name.Line,
                    $"the labels of {ofOne[i].Name.Text} are those of {ofOne[other].Name.Text} too: give each router a label of its own ({OwnLabel} has the value {value})"));
            }
            else
            {
                origin.SetApart(OwnLabel, ofOne[i].Name.Text, ofOne[i].Name.Line, ofOne[other].Name.Text);
            }
        }
    }

    /// <summary>A generated object must not replace another object.</summary>
    private void RequireFreeNames(ICollection<LegacyFault> faults)
    {
        ILookup<(string?, string?), LegacyRouter> byName = routers.ToLookup(router => (router.Namespace, (string?)router.Name.Text));
        IEnumerable<YamlNode> others = documents.Where(
            document => document.Text("kind") is "Service" or "Deployment" or "NetworkAttachmentDefinition");
        foreach (YamlNode document in others.Where(document => !IsRouter(document)))
        {
            string kind = document.Text("kind")!;
            string? name = document.Text("metadata", "name");
            if (byName[(NamespaceOf(document), name)].FirstOrDefault() is LegacyRouter router
                && !(kind == "Service" && router.Origin?.HasService == true))
            {
                faults.Add(new LegacyFault(
                    document.Line(),
                    $"{kind} {name} is another object of the router's name, which its own {kind} would replace: rename one of them"));
            }
        }
    }

    private LegacyFault NoteOf(YamlNode document)
    {
        string kind = document.Text("kind") ?? "an object";
        YamlNode? selector = kind switch
        {
            "NetworkPolicy" => document.Child("spec", "podSelector"),
            "PodDisruptionBudget" => document.Child("spec", "selector"),
            _ => null,
        };
        LegacyRouter? held = selector is null ? null : routers.FirstOrDefault(router =>
            router.Namespace == NamespaceOf(document)
                && LabelSet.Of(selector.Child("matchLabels")).IsSubsetOf(LabelSet.Of(router.Origin?.Labels)));
        string reason = held is not null ? $"it stays as it is, and holds for the pods of {held.Name.Text}, whose labels are the same"
            : kind == "ConfigMap" ? "what a router needs of it stands in the definition" : "it is no router, and leads to none";
        return new LegacyFault(document.Line(), $"{kind} {document.Text("metadata", "name")} is not carried over: {reason}");
    }
}
