using System.Collections.Immutable;
using System.Text.Json.Nodes;
using EgressIp;
using EgressOperator.Objects;

namespace EgressOperator.Controller;

/// <summary>The status of an EgressIP in the API.</summary>
/// <param name="Items">Which node holds which address.</param>
/// <param name="Condition">The condition Assigned; null if there is none.</param>
internal sealed record EgressIPStatus(ImmutableArray<StatusItem> Items, StatusCondition? Condition)
{
    /// <summary>Where the status is written: <c>status</c>, or null if it is a part of the object.</summary>
    /// <param name="names">What the cluster has of the group.</param>
    public static string? SubresourceIn(IReadOnlySet<string> names) =>
        names.Contains($"{ClusterCache.EgressIPResource.Plural}/status") ? "status" : null;

    public static EgressIPStatus Read(KubernetesObject source, ImmutableArray<StatusItem> items) => new(
        items,
        source.Root["status"]["conditions"].Items().Where(condition => condition["type"].Text() == StatusCondition.Type)
            .Select(StatusCondition.Read).FirstOrDefault());

    /// <summary>The status that an assignment asks for.</summary>
    /// <param name="items">Those of its items that no other EgressIP holds any more.</param>
    /// <param name="before">The status so far.</param>
    public static EgressIPStatus Of(
        ObjectAssignment made, ImmutableArray<AssignedAddress> items, EgressIPStatus before, DateTimeOffset now)
    {
        string[] held = [.. made.Items.Except(items).Select(item => item.EgressIP)];
        Condition decided = made.Conditions.Single(condition => condition.Type == StatusCondition.Type);
        Condition condition = held.Length == 0 ? decided : decided with
        {
            Status = false,
            Reason = "WaitsForRelease",
            Message = $"{string.Join(", ", held)}: another EgressIP still has it",
        };
        DateTimeOffset since = before.Condition is StatusCondition known && known.Status == condition.Status ? known.Since : now;
        return new EgressIPStatus(
            [.. items.Select(item => new StatusItem(item.EgressIP, item.Node))],
            new StatusCondition(condition.Status, condition.Reason, ConditionFields.Shortened(condition.Message), since));
    }

    public bool HasItemsOf(EgressIPStatus other) => Items.SequenceEqual(other.Items);

    public bool HasConditionOf(EgressIPStatus other) => Condition is StatusCondition one
        ? other.Condition is StatusCondition two && (one.Status, one.Reason, one.Message) == (two.Status, two.Reason, two.Message)
        : other.Condition is null;

    /// <param name="withConditions">Whether the cluster's CustomResourceDefinition has conditions.</param>
    public JsonObject ToJson(bool withConditions)
    {
        var status = new JsonObject
        {
            ["items"] = new JsonArray([.. Items.Select(
                item => new JsonObject { ["node"] = item.Node, ["egressIP"] = item.EgressIP })]),
        };
        if (withConditions)
        {
            status["conditions"] = new JsonArray(Condition is null ? [] : [Condition.ToJson()]);
        }

        return status;
    }
}

/// <summary>The condition Assigned: whether every address has a node.</summary>
/// <param name="Since">When <paramref name="Status"/> changed last.</param>
internal sealed record StatusCondition(bool Status, string Reason, string Message, DateTimeOffset Since)
{
    public const string Type = "Assigned";

    /// <summary>The time since when, as the API has it (RFC 3339).</summary>
    public string SinceText => ConditionFields.Time(Since);

    public static StatusCondition Read(Field source) => new(
        source["status"].Text() == "True",
        source["reason"].Text() ?? "",
        source["message"].Text() ?? "",
        ConditionFields.Since(source));

    public JsonObject ToJson() => new()
    {
        ["type"] = Type,
        ["status"] = Status ? "True" : "False",
        ["reason"] = Reason,
        ["message"] = Message,
        ["lastTransitionTime"] = SinceText,
    };
}
