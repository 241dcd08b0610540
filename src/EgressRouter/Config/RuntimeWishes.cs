using System.Collections.Immutable;

namespace EgressRouter.Config;

/// <summary>What the runtime asks for one pod, as text yet: what it may ask for the configuration says.</summary>
/// <param name="PodName">The pod (<c>K8S_POD_NAME</c> of CNI_ARGS); null when the runtime does not tell.</param>
/// <param name="AddressesPath">Where the addresses stand.</param>
/// <param name="Addresses">Addresses, with or without a prefix length; none: nothing is asked for.</param>
/// <param name="Mac">A hardware address; null: nothing is asked for.</param>
/// <param name="ForAnyPod">The call is about no pod in particular (STATUS).</param>
internal sealed record RuntimeWishes(string? PodName, JsonPath AddressesPath, ImmutableArray<AskedText> Addresses, AskedText? Mac, bool ForAnyPod = false)
{
    /// <summary>Nothing is asked for, nor has to be.</summary>
    public static RuntimeWishes None { get; } = new(null, JsonPath.Root, [], null, ForAnyPod: true);
}

/// <summary>A text and where it stands.</summary>
/// <param name="Path">The JSON path, or <c>CNI_ARGS.KEY</c>.</param>
/// <param name="Text">The text.</param>
internal sealed record AskedText(JsonPath Path, string Text);
