using System.Collections.Immutable;

namespace EgressIp.Tests;

/// <summary>Label selectors as Kubernetes has them (k8s.io/apimachinery, meta/v1: LabelSelector).</summary>
public class SelectorTests
{
    private static LabelSelector Expression(string key, string operation, params ImmutableArray<string> values) =>
        new(Given.NoLabels, [new LabelSelectorRequirement(key, operation, values)]);

    [Theory]
    [InlineData("In", "a b", "env=a", true)]
    [InlineData("In", "a b", "env=c", false)]
    [InlineData("In", "a b", "other=a", false)]
    [InlineData("NotIn", "a b", "env=a", false)]
    [InlineData("NotIn", "a b", "env=c", true)]
    [InlineData("NotIn", "a b", "other=a", true)]
    [InlineData("NotIn", "a b", "", true)]
    [InlineData("Exists", "", "env=", true)]
    [InlineData("Exists", "", "other=a", false)]
    [InlineData("DoesNotExist", "", "env=", false)]
    [InlineData("DoesNotExist", "", "other=a", true)]
    public void Operators(string operation, string values, string labels, bool matches)
    {
        LabelSelector selector = Expression("env", operation, [.. values.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Null(selector.WhyInvalid());
        Assert.Equal(matches, selector.Matches(Given.Labels(labels)));
    }

    [Fact]
    public void An_empty_selector_matches_everything()
    {
        Assert.True(LabelSelector.Everything.Matches(Given.NoLabels));
        Assert.True(LabelSelector.Everything.Matches(Given.Labels("a=b")));
    }

    [Theory]
    [InlineData("env=a tier=web", true)]
    [InlineData("env=a tier=web old=", false)]
    [InlineData("env=b tier=web", false)]
    [InlineData("tier=web", false)]
    [InlineData("env=a", false)]
    public void All_labels_and_all_expressions_have_to_match(string labels, bool matches)
    {
        var selector = new LabelSelector(
            Given.Labels("env=a"), [new("tier", "Exists", []), new("old", "DoesNotExist", [])]);
        Assert.Equal(matches, selector.Matches(Given.Labels(labels)));
    }

    [Theory]
    [InlineData("env", "In", "", "matchExpressions[0]: operator In needs values")]
    [InlineData("env", "NotIn", "", "matchExpressions[0]: operator NotIn needs values")]
    [InlineData("env", "Exists", "a", "matchExpressions[0]: operator Exists takes no values")]
    [InlineData("env", "DoesNotExist", "a", "matchExpressions[0]: operator DoesNotExist takes no values")]
    [InlineData("env", "in", "a", "matchExpressions[0]: operator \"in\" is not In, NotIn, Exists or DoesNotExist")]
    [InlineData("env", "Gt", "1", "matchExpressions[0]: operator \"Gt\" is not In, NotIn, Exists or DoesNotExist")]
    [InlineData("", "Exists", "", "matchExpressions[0]: \"\" is not a key of labels")]
    [InlineData("a/b/c", "Exists", "", "matchExpressions[0]: \"a/b/c\" is not a key of labels")]
    [InlineData("/a", "Exists", "", "matchExpressions[0]: \"/a\" is not a key of labels")]
    [InlineData("A.b/c", "Exists", "", "matchExpressions[0]: \"A.b/c\" is not a key of labels")]
    [InlineData("-a", "Exists", "", "matchExpressions[0]: \"-a\" is not a key of labels")]
    [InlineData("env", "In", "a -", "matchExpressions[0]: \"-\" is not a value of labels")]
    public void What_the_API_server_refuses_is_invalid(string key, string operation, string values, string fault) => Assert.Equal(
        fault, Expression(key, operation, [.. values.Split(' ', StringSplitOptions.RemoveEmptyEntries)]).WhyInvalid());

    [Theory]
    [InlineData("kubernetes.io/metadata.name", "default", true)]
    [InlineData("A_b-c.d", "", true)]
    [InlineData("env", "a b", false)]
    [InlineData("env", "ä", false)]
    [InlineData("a b", "a", false)]
    [InlineData("x..y/a", "a", false)]
    public void Keys_and_values_of_labels_have_a_syntax(string key, string value, bool isValid)
    {
        var selector = new LabelSelector(Given.NoLabels.Add(key, value), []);
        Assert.Equal(isValid, selector.WhyInvalid() is null);
    }

    [Theory]
    [InlineData(63, true)]
    [InlineData(64, false)]
    public void Keys_and_values_have_at_most_63_characters(int length, bool isValid)
    {
        string text = new('a', length);
        Assert.Equal(isValid, new LabelSelector(Given.NoLabels.Add(text, "a"), []).WhyInvalid() is null);
        Assert.Equal(isValid, new LabelSelector(Given.NoLabels.Add("a", text), []).WhyInvalid() is null);
    }

    [Theory]
    [InlineData(true, "spec.namespaceSelector: ")]
    [InlineData(false, "spec.podSelector: ")]
    public void An_object_with_an_invalid_selector_gets_no_address_keeps_what_it_has_and_has_no_members(bool ofNamespaces, string place)
    {
        LabelSelector invalid = Expression("env", "In");
        EgressIP source = Given.Object("e", ".10 .11", ".11@n2");
        source = ofNamespaces ? source with { NamespaceSelector = invalid } : source with { PodSelector = invalid };
        Cluster cluster = Given.Cluster(Given.ThreeNodes, source, Given.Object("f", ".10")) with
        {
            Namespaces = [new("space", Given.NoLabels)],
            Pods = [new("space", "pod", Given.Labels("env=a"), "n1", [Given.Address("10.244.0.2")], false, PodPhase.Running)],
        };
        Assignment made = Assignment.Of(cluster);

        Assert.Equal(".11@n2", made.Object("e").Items());
        Assert.Equal(".10@n1", made.Object("f").Items());
        Assert.Equal("InvalidSelector", made.Object("e").Reasons());
        Assert.Equal($"{place}matchExpressions[0]: operator In needs values", made.Object("e").Events.Single().Message);
        Condition condition = Assert.Single(made.Object("e").Conditions);
        Assert.Equal(("InvalidSelector", false), (condition.Reason, condition.Status));
        Assert.Equal(UnassignedReason.InvalidSelector, made.Object("e").Unassigned.Single().Reason);
        Assert.Empty(made.Object("e").Members);
        Assert.Equal("pod", made.Object("f").Members.Single().Name);
    }
}
