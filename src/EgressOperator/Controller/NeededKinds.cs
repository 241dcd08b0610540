using Kubernetes;

namespace EgressOperator.Controller;

/// <summary>What a cluster has of the kinds that are needed.</summary>
internal static class NeededKinds
{
    /// <param name="namesOf">What the cluster has of the group and version of a kind.</param>
    /// <returns>Which of the kinds the cluster does not have; null if it has all.</returns>
    public static async Task<string?> MissingAsync(Func<Resource, Task<IReadOnlySet<string>>> namesOf, params Resource[] kinds)
    {
        foreach (Resource kind in kinds)
        {
            if (!(await namesOf(kind)).Contains(kind.Plural))
            {
                return $"the cluster has no {kind.Kind} ({kind.ApiVersion}): apply its CustomResourceDefinition first";
            }
        }

        return null;
    }
}
