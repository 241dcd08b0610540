using System.Collections.Immutable;
using System.Net;
using EgressOperator.Objects;
using Kubernetes;

namespace EgressOperator.Routers;

/// <summary>A pod of an EgressRouter.</summary>
/// <param name="Router">The key of the EgressRouter: namespace and name.</param>
/// <param name="IsStarted">Whether its sandbox has been made, and so ADD has succeeded.</param>
/// <param name="IsEnded">Whether it is being deleted, or has ended.</param>
/// <param name="Problem">Why it is not placed, or why its container does not start; null if nothing is known.</param>
/// <param name="Addresses">Those that the attachment's interface has, by the pod's network-status.</param>
internal sealed record RouterPod(
    string Router, string Name, string Uid, bool IsReady, bool IsStarted, bool IsEnded, string? Problem,
    ImmutableArray<IPAddress> Addresses)
{
    /// <summary>Its namespace and uid.</summary>
    public string Identity => $"{Router.Split('/')[0]}/{Uid}";

    private static readonly string[] _starting = ["ContainerCreating", "PodInitializing"];

    public static RouterPod? Read(KubernetesObject source)
    {
        if (source.Labels.GetValueOrDefault(RouterLabels.Instance) is not string router || source.Namespace is not string space)
        {
            return null;
        }

        Field status = source.Root["status"];
        Field[] containers = [.. status["containerStatuses"].Items()];
        Field[] waiting = [.. containers.Select(container => container["state"]["waiting"]).Where(one => !one.IsMissing)];
        return new RouterPod(
            $"{space}/{router}",
            source.Name,
            source.Root["metadata"]["uid"].Text() ?? "",
            source.HasCondition("Ready", "True"),
            containers.Length > 0 && !waiting.Any(one => _starting.Contains(one["reason"].Text())),
            !source.Root["metadata"]["deletionTimestamp"].IsMissing || status["phase"].Text() is "Succeeded" or "Failed",
            waiting.Where(one => !_starting.Contains(one["reason"].Text())).Select(Sentence)
                .Concat(status["conditions"].Items()
                    .Where(one => (one["type"].Text(), one["status"].Text()) == ("PodScheduled", "False")).Select(Sentence))
                .FirstOrDefault(),
            [.. AttachedNetwork.Of(source).Where(one => one.Name == $"{space}/{router}").SelectMany(one => one.Addresses)]);
    }

    private static string Sentence(Field state) => string.Join(
        ": ", ((string?[])[state["reason"].Text(), state["message"].Text()]).Where(part => !string.IsNullOrEmpty(part)));
}

/// <summary>An event of a pod whose network could not be made.</summary>
/// <param name="Pod">The namespace and the uid of the pod.</param>
/// <param name="Message">With the plugin's own words.</param>
internal sealed record SandboxFailure(string Pod, string Message)
{
    public const string Selector = "reason=FailedCreatePodSandBox,involvedObject.kind=Pod";

    /// <summary>An event is of a pod of its own namespace: who may write events elsewhere says nothing of this pod.</summary>
    public static SandboxFailure Read(KubernetesObject source) => new(
        $"{source.Namespace}/{source.Root["involvedObject"]["uid"].Text()}", EventRecorder.Shortened(source.Root["message"].Text() ?? ""));
}
