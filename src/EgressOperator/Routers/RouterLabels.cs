using System.Text.Json.Nodes;

namespace EgressOperator.Routers;

/// <summary>Labels and annotations of what is made of an EgressRouter.</summary>
internal static class RouterLabels
{
    public const string ManagedBy = "app.kubernetes.io/managed-by";

    public const string Manager = BuildInfo.Name;

    /// <summary>On pods: the name of their EgressRouter.</summary>
    public const string Instance = "app.kubernetes.io/instance";

    /// <summary>On each object: a hash of all that is applied, so that a change is seen even if it only removes fields.</summary>
    public const string HashAnnotation = "egress-router-cni.io/hash";

    /// <summary>On pods: a hash of the network configuration, so that a change of it makes a new pod.</summary>
    public const string ConfigHashAnnotation = "egress-router-cni.io/config-hash";

    /// <summary>Selects what this program has made.</summary>
    public const string Selector = $"{ManagedBy}={Manager}";

    public static void AddTo(JsonNode metadata, string router)
    {
        JsonNode labels = metadata["labels"] ??= new JsonObject();
        labels["app.kubernetes.io/name"] = "egress-router";
        labels[Instance] = router;
        labels[ManagedBy] = Manager;
    }
}
