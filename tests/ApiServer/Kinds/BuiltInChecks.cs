using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>What the API server refuses of kinds of its own.</summary>
internal static class BuiltInChecks
{
    private static readonly string[] _eventTypes = ["Normal", "Warning"];

    /// <summary>All faults.</summary>
    /// <param name="old">Null for a new object.</param>
    public static IEnumerable<Cause> Check(Kind kind, JsonObject value, JsonObject? old) => kind.Name switch
    {
        "CustomResourceDefinition" => CustomKind.Check(value),
        "Pod" => CheckPod(value, old),
        "Lease" => CheckLease(value),
        "Event" when old is null => CheckEvent(kind, value),
        "Deployment" => CheckDeployment(value, old),
        "Service" when value.At("spec", "ports") is not JsonArray { Count: > 0 } && value.Text("spec", "clusterIP") != "None"
            && value.Text("spec", "type") != "ExternalName" => [Cause.Required("spec.ports")],
        _ => [],
    };

    private static IEnumerable<Cause> CheckPod(JsonObject value, JsonObject? old)
    {
        if (value.At("spec", "containers") is not JsonArray { Count: > 0 })
        {
            yield return Cause.Required("spec.containers");
        }

        foreach ((int index, JsonObject container) in value.Objects("spec", "containers").Index())
        {
            foreach (string key in ((string[])["name", "image"]).Where(key => string.IsNullOrEmpty(container.Text(key))))
            {
                yield return Cause.Required($"spec.containers[{index}].{key}");
            }
        }

        if (old is not null && !JsonNode.DeepEquals(Fixed(old), Fixed(value)))
        {
            yield return Cause.Forbidden(
                "spec", "pod updates may not change fields other than images, activeDeadlineSeconds and tolerations");
        }
    }

    /// <summary>The part of a pod's spec that never changes.</summary>
    private static JsonObject Fixed(JsonObject pod)
    {
        JsonObject spec = (pod["spec"] as JsonObject ?? []).Copy();
        spec.Remove("activeDeadlineSeconds");
        spec.Remove("tolerations");
        foreach (JsonObject container in spec.Objects("containers").Concat(spec.Objects("initContainers")))
        {
            container.Remove("image");
        }

        return spec;
    }

    private static IEnumerable<Cause> CheckLease(JsonObject value)
    {
        if (value.At("spec", "leaseDurationSeconds") is JsonValue duration && duration.GetValue<double>() <= 0)
        {
            yield return Cause.Invalid("spec.leaseDurationSeconds", duration.String(), "must be greater than 0");
        }

        if (value.At("spec", "leaseTransitions") is JsonValue transitions && transitions.GetValue<double>() < 0)
        {
            yield return Cause.Invalid("spec.leaseTransitions", transitions.String(), "must be greater than or equal to 0");
        }
    }

    private static IEnumerable<Cause> CheckDeployment(JsonObject value, JsonObject? old)
    {
        if (value.At("spec", "selector") is not JsonObject { Count: > 0 } selector)
        {
            yield return Cause.Required("spec.selector");
        }
        else if (old is not null && !JsonNode.DeepEquals(selector, old.At("spec", "selector")))
        {
            yield return Cause.Invalid("spec.selector", selector.String(), "field is immutable");
        }
        else if ((selector["matchLabels"] as JsonObject ?? []).Any(
            label => value.Text("spec", "template", "metadata", "labels", label.Key) != label.Value.Text()))
        {
            yield return Cause.Invalid(
                "spec.template.metadata.labels", value.At("spec", "template", "metadata", "labels").String(),
                "`selector` does not match template `labels`");
        }
    }

    /// <summary>An event with an eventTime is a new one, in either version; only a new one is strict.</summary>
    private static IEnumerable<Cause> CheckEvent(Kind kind, JsonObject value)
    {
        bool isNewKind = kind.Group.Length > 0;
        bool isNew = isNewKind || value["eventTime"] is not null;
        string about = value.Text(isNewKind ? "regarding" : "involvedObject", "namespace") ?? "";
        string space = value.Text("metadata", "namespace")!;
        // Of a new event about a cluster-scoped object, 1.20 wants kube-system; later servers take default too.
        if (about.Length == 0 ? space != (isNew ? "kube-system" : "default") : !isNew && about != space)
        {
            yield return Cause.Invalid("involvedObject.namespace", $"\"{about}\"", "does not match event.namespace");
        }

        if (!isNew)
        {
            yield break;
        }

        foreach (string key in (string[])["reportingController", "reportingInstance", "action", "reason", "eventTime"])
        {
            string text = value.Text(key == "reportingController" && !isNewKind ? "reportingComponent" : key) ?? "";
            if (text.Length == 0)
            {
                yield return Cause.Required(key);
            }
            else if (key == "reportingController" && !MetadataRules.IsQualified(text))
            {
                yield return Cause.Invalid(key, $"\"{text}\"", "name part must consist of alphanumeric characters, '-', '_' or '.'");
            }
            else if (key is not ("eventTime" or "reportingController") && text.Length > 128)
            {
                yield return Cause.Invalid(key, "\"\"", "can have at most 128 characters");
            }
        }

        if (System.Text.Encoding.UTF8.GetByteCount(value.Text(isNewKind ? "note" : "message") ?? "") > 1024)
        {
            yield return Cause.Invalid("message", "\"\"", "can have at most 1024 characters");
        }

        if (!_eventTypes.Contains(value.Text("type")))
        {
            yield return Cause.Invalid("type", "\"\"", "has invalid value");
        }

        if (value["series"] is JsonObject series && !(series["count"] is JsonValue count && count.GetValue<double>() >= 2))
        {
            yield return Cause.Invalid("series.count", "\"\"", "should be at least 2");
        }

        if (value["series"] is JsonObject last && last["lastObservedTime"] is null)
        {
            yield return Cause.Required("series.lastObservedTime");
        }

        foreach (string key in isNewKind ? (string[])["Source", "FirstTimestamp", "LastTimestamp", "Count"] : [])
        {
            if (value["deprecated" + key] is JsonNode old and not JsonObject { Count: 0 })
            {
                yield return Cause.Invalid(char.ToLowerInvariant(key[0]) + key[1..], old.String(), "needs to be unset");
            }
        }
    }
}
