using System.Collections.Immutable;
using Cni;

namespace EgressRouter.Config;

/// <summary>
/// Reads <c>podIP</c>: an <c>ip</c> object for each pod, by the pod's name, exact or with a trailing <c>*</c>. The exact
/// name counts before the longest beginning. All are read, so that every mistake is told at once and not pod by pod.
/// </summary>
internal static class PodIpReader
{
    private const string Key = "podIP";

    /// <summary>What the pod's entry says, or for any pod what all say; nothing, with a fault, when there is none.</summary>
    /// <param name="pods">The object.</param>
    /// <param name="wishes">The pod's name, and what is asked for it.</param>
    /// <param name="faults">Takes the faults.</param>
    public static ImmutableArray<IpSection> Read(ObjectReader pods, RuntimeWishes wishes, FaultList faults)
    {
        string[] names = [.. pods.Names];
        if (!faults.IsWithin(Bounds.Pods, names.Length, Key))
        {
            return [IpSection.Empty];
        }

        foreach (string name in names.Where(name => name.Length == 0 || name.AsSpan(0, name.Length - 1).Contains('*')))
        {
            faults.Fault(pods.PathOf(name), null, "is not a pod name: '*' is allowed at the end only");
        }

        string? chosen = wishes.ForAnyPod ? null : Choose(names, wishes.PodName, faults);
        ImmutableArray<IpSection>.Builder sections = ImmutableArray.CreateBuilder<IpSection>();
        foreach (string name in names)
        {
            if (pods.Object(name) is ObjectReader ip)
            {
                IpSection read = IpReader.Read(ip, name == chosen ? wishes : RuntimeWishes.None, faults);
                if (wishes.ForAnyPod || name == chosen)
                {
                    sections.Add(read);
                }
            }
            else if (pods.Value(name) is null)
            {
                faults.Fault(pods.PathOf(name), "null", "expected object, got null");
            }
        }

        return sections.Count == 0 ? [IpSection.Empty] : sections.ToImmutable();
    }

    private static string? Choose(string[] names, string? pod, FaultList faults)
    {
        if (pod is null)
        {
            faults.Fault(Key, null, "the runtime does not pass the pod's name (K8S_POD_NAME in CNI_ARGS)");
            return null;
        }

        string? chosen = names.Contains(pod) ? pod : names
            .Where(name => name.EndsWith('*') && pod.StartsWith(name[..^1], StringComparison.Ordinal))
            .MaxBy(name => name.Length);
        if (chosen is null)
        {
            faults.Fault(Key, null, $"has no entry for pod \"{SafeText.Part(pod)}\"");
        }

        return chosen;
    }
}
