using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>
/// What kube-controller-manager does after a deletion, done within the write: dependents go with their last owner, the content of a
/// namespace with the namespace, objects of a kind with its definition.
/// </summary>
internal sealed class Collector(Store store, Kinds kinds)
{
    public const string Orphan = "orphan";

    public const string Foreground = "foregroundDeletion";

    private bool _isRunning;

    /// <summary>Does all that there is to do.</summary>
    public void Run()
    {
        if (_isRunning)
        {
            return;
        }

        _isRunning = true;
        try
        {
            while (store.Attended.ToArray().Any(Attend))
            {
            }
        }
        finally
        {
            _isRunning = false;
        }
    }

    /// <summary>An object was written: does all that there is to do after that.</summary>
    public void Wrote(string storage, string key)
    {
        // While nothing else leaves, a write concerns only the object itself: with many, to look at all each time is slow.
        if (!_isRunning && (store.Leaving.Count > 0 || Attend((storage, key))))
        {
            Run();
        }
    }

    /// <summary>Deletes an object, or marks it as being deleted if it has finalizers or time left.</summary>
    /// <returns>What is left of it; null: nothing.</returns>
    public Stored? Delete(string storage, string key, Stored old, string? finalizer = null, int grace = 0)
    {
        string[] finalizers = old.Value.Texts("metadata", "finalizers");
        bool isKept = finalizers.Length > 0 || finalizer is not null || grace > 0
            || (storage == "namespaces" && ContentOf(old.Name).Any()) || (KindOf(storage, old) is Kind kind && HasObjects(kind));
        if (!isKept)
        {
            Remove(storage, key, old);
            return null;
        }

        if (old.IsBeingDeleted && (finalizer is null || finalizers.Contains(finalizer)) && !IsSooner(old, grace))
        {
            return old;
        }

        JsonObject next = old.Value.Copy();
        JsonObject metadata = next.Metadata();
        if (!old.IsBeingDeleted && metadata["generation"] is JsonValue generation)
        {
            metadata["generation"] = long.Parse(generation.ToString(), null) + 1;
        }

        metadata["deletionTimestamp"] = Json.Time(DateTime.UtcNow.AddSeconds(grace));
        metadata["deletionGracePeriodSeconds"] = grace;
        if (finalizer is not null && !finalizers.Contains(finalizer))
        {
            metadata["finalizers"] = new JsonArray([.. finalizers.Append(finalizer)]);
        }

        if (storage == "namespaces")
        {
            next.Child("status")["phase"] = "Terminating";
        }

        store.Put(storage, key, next);
        Run();
        return store.Find(storage, key);
    }

    private static bool IsSooner(Stored old, int grace) =>
        old.Value.At("metadata", "deletionGracePeriodSeconds") is JsonValue left && long.Parse(left.ToString(), null) > grace;

    /// <summary>Removes an object, and what goes with it.</summary>
    public void Remove(string storage, string key, Stored old)
    {
        store.Remove(storage, key);
        if (storage == BuiltInKinds.CustomResourceDefinition.Storage)
        {
            kinds.Undefine(old.Value);
        }

        Run();
    }

    /// <summary>The next step for one object.</summary>
    /// <returns>Whether there was one.</returns>
    private bool Attend((string Storage, string Key) at)
    {
        long before = store.Revision;
        if (store.Find(at.Storage, at.Key) is not Stored found)
        {
            return false;
        }

        if (found.HasOwners && !found.IsBeingDeleted
            && found.Value.Objects("metadata", "ownerReferences").All(owner => IsGone(owner, found)))
        {
            Delete(at.Storage, at.Key, found);
        }
        else if (found.IsBeingDeleted)
        {
            string[] finalizers = found.Value.Texts("metadata", "finalizers");
            if (finalizers.Contains(Orphan))
            {
                foreach ((string storage, string key, Stored dependent) in DependentsOf(found).ToArray())
                {
                    JsonObject next = dependent.Value.Copy();
                    next.Metadata()["ownerReferences"] = new JsonArray([.. next.Objects("metadata", "ownerReferences")
                        .Where(owner => owner.Text("uid") != found.Uid).Select(owner => owner.DeepClone())]);
                    store.Put(storage, key, next);
                }

                RemoveFinalizer(at.Storage, at.Key, found, Orphan);
            }
            else if (finalizers.Contains(Foreground))
            {
                foreach ((string storage, string key, Stored dependent) in DependentsOf(found).ToArray())
                {
                    Delete(storage, key, dependent, DependentsOf(dependent).Any() ? Foreground : null);
                }

                if (!DependentsOf(found).Any(one => IsBlocking(one.Dependent, found)))
                {
                    RemoveFinalizer(at.Storage, at.Key, found, Foreground);
                }
            }
            else
            {
                AttendContainer(at, found, finalizers.Length > 0);
            }
        }

        return store.Revision != before;
    }

    private void AttendContainer((string Storage, string Key) at, Stored found, bool hasFinalizers)
    {
        bool isNamespace = at.Storage == "namespaces";
        Kind? kind = KindOf(at.Storage, found);
        if (isNamespace || kind is not null)
        {
            (string, string, Stored)[] content = isNamespace
                ? [.. ContentOf(found.Name)]
                : [.. store.All(kind!.Storage).Select(entry => (kind.Storage, entry.Key, entry.Value))];
            foreach ((string storage, string key, Stored one) in content)
            {
                Delete(storage, key, one);
            }

            if (!hasFinalizers && (isNamespace ? !ContentOf(found.Name).Any() : !HasObjects(kind!)))
            {
                Remove(at.Storage, at.Key, found);
            }
        }
    }

    private void RemoveFinalizer(string storage, string key, Stored found, string finalizer)
    {
        string[] left = [.. found.Value.Texts("metadata", "finalizers").Where(one => one != finalizer)];
        if (left.Length == 0)
        {
            Remove(storage, key, found);
        }
        else
        {
            JsonObject next = found.Value.Copy();
            next.Metadata()["finalizers"] = new JsonArray([.. left]);
            store.Put(storage, key, next);
        }
    }

    private IEnumerable<(string Storage, string Key, Stored Dependent)> DependentsOf(Stored owner) =>
        store.Attended.Select(at => (at.Storage, at.Key, store.Find(at.Storage, at.Key)!))
            .Where(one => one.Item3.Value.Objects("metadata", "ownerReferences").Any(reference => reference.Text("uid") == owner.Uid));

    private static bool IsBlocking(Stored dependent, Stored owner) => dependent.Value.Objects("metadata", "ownerReferences").Any(
        reference => reference.Text("uid") == owner.Uid && reference["blockOwnerDeletion"].String() == "true");

    /// <summary>An owner is in the same namespace or in none. Of a kind that is not served nobody knows.</summary>
    private bool IsGone(JsonObject owner, Stored dependent)
    {
        Kind? kind = kinds.All.FirstOrDefault(one => one.Name == owner.Text("kind") && one.ApiVersion == owner.Text("apiVersion"));
        return kind is not null
            && store.Find(kind.Storage, kind.KeyOf(dependent.Namespace, owner.Text("name") ?? ""))?.Uid != owner.Text("uid");
    }

    private IEnumerable<(string Storage, string Key, Stored Stored)> ContentOf(string space) =>
        store.Everything().Where(one => one.Stored.Namespace == space);

    private Kind? KindOf(string storage, Stored definition) => storage == BuiltInKinds.CustomResourceDefinition.Storage
        ? kinds.All.FirstOrDefault(kind => kind.IsCustom && kind.Resource == definition.Name)
        : null;

    private bool HasObjects(Kind kind) => !store.All(kind.Storage).IsEmpty;
}
