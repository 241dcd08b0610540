using System.Globalization;
using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>
/// What the API server fills in for kinds of its own, and what it cannot read. It is what controllers run into, not all: most fields are
/// neither defaulted nor checked, and unknown fields stay.
/// </summary>
internal static class BuiltInRules
{
    private const string NotReady = "node.kubernetes.io/not-ready";

    /// <summary>What a POST may not set, and what it leaves out.</summary>
    public static void PrepareCreate(Kind kind, JsonObject value)
    {
        switch (kind.Name)
        {
            case "Namespace":
                value.Child("spec")["finalizers"] = new JsonArray("kubernetes");
                value["status"] = new JsonObject { ["phase"] = "Active" };
                value.Metadata().Child("labels")["kubernetes.io/metadata.name"] = value.Text("metadata", "name");
                break;
            case "Node":
                // Until the node lifecycle controller finds it ready, of which there is none.
                JsonObject spec = value.Child("spec");
                JsonObject[] taints = [.. spec.Objects("taints").Where(taint => taint.Text("key") != NotReady)];
                spec["taints"] = new JsonArray([.. taints.Select(taint => taint.DeepClone()),
                    new JsonObject { ["key"] = NotReady, ["effect"] = "NoSchedule" }]);
                break;
            case "Pod":
                value["status"] = new JsonObject { ["phase"] = "Pending", ["qosClass"] = "BestEffort" };
                break;
            case "Service" or "Deployment":
                value["status"] = new JsonObject();
                break;
        }
    }

    public static void Default(Kind kind, JsonObject value)
    {
        JsonObject spec = kind.Name is "Node" or "Lease" ? value.Child("spec") : value["spec"] as JsonObject ?? [];
        foreach (JsonObject condition in kind.Name is "Node" or "Pod" ? value.Objects("status", "conditions") : [])
        {
            condition.TryAdd(kind.Name == "Node" ? "lastHeartbeatTime" : "lastProbeTime", null);
            condition.TryAdd("lastTransitionTime", null);
        }

        switch (kind.Name)
        {
            case "CustomResourceDefinition" when !CustomKind.Check(value).Any():
                CustomKind.Complete(value);
                break;
            case "Event":
                bool isNew = kind.Group.Length > 0;
                foreach (string time in (string[])["firstTimestamp", "lastTimestamp"])
                {
                    value.TryAdd(isNew ? $"deprecated{char.ToUpperInvariant(time[0])}{time[1..]}" : time, null);
                }

                value.TryAdd("eventTime", null);
                value.TryAdd(isNew ? "deprecatedSource" : "source", new JsonObject());
                break;
            case "Deployment":
                spec["replicas"] ??= 1;
                spec["revisionHistoryLimit"] ??= 10;
                spec["progressDeadlineSeconds"] ??= 600;
                spec.Child("strategy")["type"] ??= "RollingUpdate";
                break;
            case "Service":
                spec["type"] ??= "ClusterIP";
                spec["sessionAffinity"] ??= "None";
                foreach (JsonObject port in spec.Objects("ports"))
                {
                    port["protocol"] ??= "TCP";
                    port["targetPort"] ??= port["port"]?.DeepClone();
                }

                break;
        }
    }

    /// <summary>Values of a type or form that Kubernetes cannot read: those of a Lease, and times.</summary>
    /// <exception cref="ApiError">There is one.</exception>
    public static void CheckTypes(Kind kind, JsonObject value)
    {
        foreach (string key in kind.Name == "Lease" ? (string[])["leaseDurationSeconds", "leaseTransitions", "holderIdentity"] : [])
        {
            if (value.At("spec", key) is JsonNode field
                && (key == "holderIdentity" ? field.Text() is null : !int.TryParse(field.String(), CultureInfo.InvariantCulture, out _)))
            {
                throw ApiError.BadRequest($"json: cannot unmarshal {field.String()} into Go struct field LeaseSpec.spec.{key}");
            }
        }

        string[][] micro = kind.Name switch
        {
            "Lease" => [["spec", "acquireTime"], ["spec", "renewTime"]],
            "Event" => [["eventTime"], ["series", "lastObservedTime"]],
            _ => [],
        };
        foreach (string[] path in micro)
        {
            CheckTime(value.At(path), "yyyy-MM-dd'T'HH:mm:ss.ffffffK");
        }

        foreach (string key in (string[])["firstTimestamp", "lastTimestamp"])
        {
            CheckTime(kind.Name == "Event" ? value[key] : null, "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK");
        }

        foreach (JsonObject condition in kind.IsCustom ? [] : value.Objects("status", "conditions"))
        {
            CheckTime(condition["lastTransitionTime"], "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK");
        }
    }

    private static void CheckTime(JsonNode? time, string form)
    {
        if (time is not null && !DateTimeOffset.TryParseExact(time.Text(), form, CultureInfo.InvariantCulture, DateTimeStyles.None, out _))
        {
            throw ApiError.BadRequest($"parsing time {time.String()} as \"{form}\": cannot parse");
        }
    }
}
