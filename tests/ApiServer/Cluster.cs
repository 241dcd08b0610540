using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>What is behind the API.</summary>
internal sealed class Cluster
{
    public Cluster()
    {
        Collector = new Collector(Store, Kinds);
        Writer = new Writer(Store, Kinds, Collector);
        foreach (string name in (string[])["default", "kube-node-lease", "kube-public", "kube-system"])
        {
            var space = new JsonObject { ["metadata"] = new JsonObject { ["name"] = name } };
            Writer.Create(BuiltInKinds.Namespace, null, space, new WriteOptions("kube-apiserver"));
        }
    }

    public Store Store { get; } = new();

    public Kinds Kinds { get; } = new();

    public Collector Collector { get; }

    public Writer Writer { get; }

    /// <summary>Goes back to an older state.</summary>
    public void Restore(StoreBackup backup)
    {
        lock (Store.Gate)
        {
            Store.Restore(backup);
            Kinds.Reset(Store.All(BuiltInKinds.CustomResourceDefinition.Storage).Values.Select(definition => definition.Value));
        }
    }
}
