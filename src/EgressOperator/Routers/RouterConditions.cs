using System.Collections.Immutable;
using System.Net;
using System.Text.Json.Nodes;
using EgressOperator.Controller;
using EgressOperator.Objects;

namespace EgressOperator.Routers;

/// <summary>Why nothing is made of an EgressRouter.</summary>
/// <param name="Reason">The reason of its conditions.</param>
/// <param name="IsPassing">Whether it ends by itself.</param>
internal sealed record Obstacle(string Reason, string Message, bool IsPassing = false);

/// <summary>A condition of an EgressRouter.</summary>
/// <param name="Since">When <paramref name="Status"/> changed last.</param>
/// <param name="Generation">The generation that it describes; null if the API drops it, as OpenShift's definition makes it do.</param>
internal sealed record RouterCondition(string Type, bool Status, string Reason, string Message, DateTimeOffset Since, int? Generation)
{
    public static RouterCondition Read(Field source) => new(
        source["type"].Text() ?? "",
        source["status"].Text() == "True",
        source["reason"].Text() ?? "",
        source["message"].Text() ?? "",
        ConditionFields.Since(source),
        source["observedGeneration"].Count());

    public bool Says(RouterCondition other) => (Type, Status, Reason, Message) == (other.Type, other.Status, other.Reason, other.Message)
        && (Generation is null || Generation == other.Generation);

    public JsonObject ToJson()
    {
        var condition = new JsonObject
        {
            ["type"] = Type,
            ["status"] = Status ? "True" : "False",
            ["reason"] = Reason,
            ["message"] = Message,
            ["lastTransitionTime"] = ConditionFields.Time(Since),
        };
        if (Generation is int generation)
        {
            condition["observedGeneration"] = generation;
        }

        return condition;
    }
}

/// <summary>The conditions of an EgressRouter: Available, Progressing and Degraded.</summary>
internal static class RouterConditions
{
    public const string Available = "Available";

    public const string Degraded = "Degraded";

    public const string Refused = "Refused";

    private const string PodFails = "PodFails";

    private const string AsExpected = "AsExpected";

    /// <param name="obstacle">Why nothing could be made or changed; null if all is made.</param>
    /// <param name="pods">Those of the router.</param>
    /// <param name="failure">Why the network of a pod could not be made, as its event says; null if nothing is known.</param>
    public static ImmutableArray<RouterCondition> Of(
        WatchedRouter router, Obstacle? obstacle, Rollout? rollout, IReadOnlyCollection<RouterPod> pods,
        Func<RouterPod, string?> failure, DateTimeOffset now)
    {
        RouterPod[] living = [.. pods.Where(pod => !pod.IsEnded)];
        (bool isDegraded, string why, string fault) = DegradedOf(obstacle, rollout, living, failure);
        (bool isAvailable, string whether, string state) = AvailableOf(router.Rendered, obstacle, rollout, living);
        (bool isProgressing, string whereto, string step) = ProgressingOf(router.Rendered, obstacle, rollout, living);
        return [Make(Available, isAvailable, whether, state), Make(Degraded, isDegraded, why, fault),
            Make("Progressing", isProgressing, whereto, step)];

        RouterCondition Make(string type, bool status, string reason, string message)
        {
            RouterCondition? before = router.Conditions.FirstOrDefault(one => one.Type == type);
            DateTimeOffset since = before is not null && before.Status == status ? before.Since : now;
            return new RouterCondition(type, status, reason, ConditionFields.Shortened(message), since, router.Generation);
        }
    }

    /// <summary>Whether the conditions in the API say the same as others.</summary>
    public static bool Say(ImmutableArray<RouterCondition> known, ImmutableArray<RouterCondition> wanted) =>
        known.Length == wanted.Length && wanted.All(one => known.Any(other => other.Says(one)));

    /// <summary>Whether conditions differ from those in the API in more than a message that is another at each attempt.</summary>
    public static bool IsNews(ImmutableArray<RouterCondition> known, ImmutableArray<RouterCondition> wanted) => wanted.Any(
        one => !known.Any(other => other.Type == one.Type && IsRepetition(one, other)
            && (other.Generation ?? one.Generation) == one.Generation));

    /// <summary>Whether a condition says the same as another one, but for a message that is another at each attempt.</summary>
    public static bool IsRepetition(RouterCondition one, RouterCondition? other) =>
        other is not null && (one.Status, one.Reason) == (other.Status, other.Reason)
        && (one.Reason is PodFails or Refused || one.Message == other.Message);

    private static (bool, string, string) DegradedOf(
        Obstacle? obstacle, Rollout? rollout, RouterPod[] pods, Func<RouterPod, string?> failure)
    {
        if (obstacle is { IsPassing: false })
        {
            return (true, obstacle.Reason, obstacle.Message);
        }

        foreach (RouterPod pod in pods.Where(pod => !pod.IsReady))
        {
            if ((pod.IsStarted ? pod.Problem : pod.Problem ?? failure(pod)) is string problem)
            {
                return (true, PodFails, $"pod {pod.Name}: {problem}");
            }
        }

        return rollout?.Failure is string stuck ? (true, "RolloutFails", stuck) : (false, AsExpected, "");
    }

    private static (bool, string, string) AvailableOf(RenderedRouter rendered, Obstacle? obstacle, Rollout? rollout, RouterPod[] pods)
    {
        RouterPod[] ready = [.. pods.Where(pod => pod.IsReady)];
        if (ready.Length == 0 || rollout is null)
        {
            return (false, obstacle?.Reason ?? "NotReady", "no pod is ready");
        }

        if (rendered.IsPair)
        {
            // The network-status of a pair has none of its addresses. A pod of it is ready if it has all of them, or could take them.
            string names = string.Join(" and ", ready.Select(pod => pod.Name).Order(StringComparer.Ordinal));
            return (true, "Running", ready.Length == 1 ? $"only pod {names} is ready" : $"pods {names} are ready");
        }

        // Of a spec with faults, the addresses are not those of the pod.
        IPAddress[] missing = obstacle is null ? [.. rendered.Addresses.Except(ready[0].Addresses)] : [];
        return missing.Length > 0
            ? (false, "AddressMissing",
                $"pod {ready[0].Name} is ready, but its network-status does not have {string.Join<IPAddress>(", ", missing)}")
            : (true, "Running", $"pod {ready[0].Name} has {string.Join(", ", ready[0].Addresses)}"
                + (rendered.IsHeadless ? "; the Service has no address of its own, because every port is redirected" : ""));
    }

    private static (bool, string, string) ProgressingOf(
        RenderedRouter rendered, Obstacle? obstacle, Rollout? rollout, RouterPod[] pods) => obstacle switch
        {
            { IsPassing: true } => (true, obstacle.Reason, obstacle.Message),
            not null => (false, obstacle.Reason, ""),
            _ when rollout is null || !rollout.IsCurrent => (true, "RollingOut", "the Deployment has just been changed"),
            _ when rollout.Updated == 0 || rollout.Available == 0 || !pods.Any(pod => pod.IsReady) =>
                (true, "RollingOut", "the pod is not ready yet"),
            _ when rendered.IsPair && pods.Count(pod => pod.IsReady) < 2 => (true, "RollingOut", "one pod of two is ready"),
            _ => (false, AsExpected, ""),
        };
}
