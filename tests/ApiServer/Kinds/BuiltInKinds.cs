namespace ApiServer;

/// <summary>The kinds that are there without a CustomResourceDefinition.</summary>
internal static class BuiltInKinds
{
    private static readonly string[] _eventFields =
        ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];

    public static Kind Namespace { get; } = new("", "v1", "namespaces", "Namespace")
    {
        ShortNames = ["ns"],
        HasStatus = true,
        AllowsUnconditionalUpdate = true,
        SelectableFields = ["status.phase"],
        Columns = [Column.Of("Status", "string", ".status.phase"), Column.Age],
    };

    public static Kind Pod { get; } = new("", "v1", "pods", "Pod")
    {
        ShortNames = ["po"],
        Categories = ["all"],
        IsNamespaced = true,
        HasStatus = true,
        AllowsUnconditionalUpdate = true,
        SelectableFields =
        [
            "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase", "status.podIP",
            "status.nominatedNodeName",
        ],
        Columns =
        [
            Column.Of("Status", "string", ".status.phase"), Column.Age, Column.Of("IP", "string", ".status.podIP", 1),
            Column.Of("Node", "string", ".spec.nodeName", 1),
        ],
    };

    public static Kind Node { get; } = new("", "v1", "nodes", "Node")
    {
        ShortNames = ["no"],
        HasStatus = true,
        AllowsUnconditionalUpdate = true,
        SelectableFields = ["spec.unschedulable"],
        Columns = [Column.Of("Ready", "string", ".status.conditions[?(@.type==\"Ready\")].status"), Column.Age],
    };

    public static Kind CustomResourceDefinition { get; } =
        new("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition")
        {
            ShortNames = ["crd", "crds"],
            Categories = ["api-extensions"],
            HasStatus = true,
            HasGeneration = true,
            Columns = [Column.Of("Created At", "string", ".metadata.creationTimestamp")],
        };

    public static Kind Event { get; } = new("", "v1", "events", "Event")
    {
        ShortNames = ["ev"],
        IsNamespaced = true,
        AllowsUnconditionalUpdate = true,
        AllowsCreateOnUpdate = true,
        SelectableFields =
            [.. _eventFields.Select(field => $"involvedObject.{field}"), "reason", "type", "reportingComponent", "source"],
        Columns = Column.OfEvents("involvedObject", "lastTimestamp", "message"),
    };

    public static Kind NewEvent { get; } = Event with
    {
        Group = "events.k8s.io",
        SelectableFields = [.. _eventFields.Select(field => $"regarding.{field}"), "reason", "type", "reportingController"],
        Columns = Column.OfEvents("regarding", "deprecatedLastTimestamp", "note"),
        FromStorage = EventConversion.FromStorage,
        ToStorage = EventConversion.ToStorage,
    };

    public static IReadOnlyList<Kind> All { get; } =
    [
        Namespace, Pod, Node, CustomResourceDefinition, Event, NewEvent,
        new("", "v1", "services", "Service")
        {
            ShortNames = ["svc"],
            Categories = ["all"],
            IsNamespaced = true,
            HasStatus = true,
            AllowsUnconditionalUpdate = true,
            AllowsCreateOnUpdate = true,
        },
        new("", "v1", "configmaps", "ConfigMap") { ShortNames = ["cm"], IsNamespaced = true, AllowsUnconditionalUpdate = true },
        new("", "v1", "secrets", "Secret") { IsNamespaced = true, AllowsUnconditionalUpdate = true, SelectableFields = ["type"] },
        new("", "v1", "serviceaccounts", "ServiceAccount") { ShortNames = ["sa"], IsNamespaced = true, AllowsUnconditionalUpdate = true },
        new("rbac.authorization.k8s.io", "v1", "roles", "Role")
        {
            IsNamespaced = true,
            AllowsUnconditionalUpdate = true,
            AllowsCreateOnUpdate = true,
        },
        new("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
        {
            IsNamespaced = true,
            AllowsUnconditionalUpdate = true,
            AllowsCreateOnUpdate = true,
        },
        new("coordination.k8s.io", "v1", "leases", "Lease")
        {
            IsNamespaced = true,
            AllowsCreateOnUpdate = true,
            Columns = [Column.Of("Holder", "string", ".spec.holderIdentity"), Column.Age],
        },
        new("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
        {
            IsNamespaced = true,
            HasGeneration = true,
            AllowsUnconditionalUpdate = true,
        },
        new("apps", "v1", "deployments", "Deployment")
        {
            ShortNames = ["deploy"],
            Categories = ["all"],
            IsNamespaced = true,
            HasStatus = true,
            HasGeneration = true,
            AllowsUnconditionalUpdate = true,
        },
    ];
}
