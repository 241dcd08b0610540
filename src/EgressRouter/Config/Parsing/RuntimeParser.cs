using System.Collections.Immutable;
using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>
/// Reads the runtime's requests for one pod. The first source that is present counts: capabilities (<c>runtimeConfig</c>), then
/// <c>args.cni</c>, then CNI_ARGS. CNI's CONVENTIONS.md defines this order and calls CNI_ARGS deprecated.
/// </summary>
internal static class RuntimeParser
{
    private static readonly JsonPath _args = "CNI_ARGS";

    private static readonly string[] _knownArgs = ["IgnoreUnknown", "IP", "MAC"];

    public static RuntimeRequest Read(
        ObjectReader config, ImmutableArray<KeyValuePair<string, string>> args, bool forAnyPod, ConfigErrors errors)
    {
        ObjectReader? capabilities = config.Object("runtimeConfig");
        ObjectReader? conventional = config.Object("args")?.Object("cni");
        CheckArgs(args, errors);
        ImmutableArray<RequestedValue> addresses = [];
        JsonPath path = _args.Member("IP");
        RequestedValue? mac = null;
        foreach (ObjectReader source in new[] { capabilities, conventional }.OfType<ObjectReader>())
        {
            // Both sources are read, to report mistakes in the unused one too.
            ImmutableArray<RequestedValue> found = ReadTexts(source, "ips", errors);
            (addresses, path) = addresses.IsEmpty && !found.IsEmpty ? (found, source.PathOf("ips")) : (addresses, path);
            mac ??= source.Setting("mac") is string text ? new RequestedValue(source.PathOf("mac"), text) : null;
        }

        if (addresses.IsEmpty && Last(args, "IP") is { Length: > 0 } list)
        {
            string[] texts = list.Split(',');
            addresses = errors.IsWithin(Bounds.Requested, texts.Length, path)
                ? [.. texts.Select(text => new RequestedValue(path, text.Trim()))]
                : [];
        }

        if (mac is null && Last(args, "MAC") is { Length: > 0 } hardware)
        {
            mac = new RequestedValue(_args.Member("MAC"), hardware);
        }

        return new RuntimeRequest(Last(args, "K8S_POD_NAME") is { Length: > 0 } name ? name : null, path, addresses, mac, forAnyPod);
    }

    /// <summary>
    /// Unknown keys are an error unless IgnoreUnknown is set, as in the reference library. Keys of Kubernetes and of IPAM plugins
    /// are known.
    /// </summary>
    private static void CheckArgs(ImmutableArray<KeyValuePair<string, string>> args, ConfigErrors errors)
    {
        if (!errors.IsWithin(Bounds.Arguments, args.Length, _args))
        {
            return;
        }

        string? ignore = Last(args, "IgnoreUnknown");
        if (ignore?.ToLowerInvariant() is not (null or "" or "0" or "1" or "true" or "false"))
        {
            errors.Add(_args.Member("IgnoreUnknown"), null, "is not one of true, false, 1, 0");
        }

        if (ignore?.ToLowerInvariant() is "1" or "true")
        {
            return;
        }

        foreach ((string key, _) in args)
        {
            if (!_knownArgs.AsSpan().Contains(key) && !key.StartsWith("K8S_", StringComparison.Ordinal) && key != "GATEWAY")
            {
                errors.Add(_args.Member(key), null, "is unknown, and IgnoreUnknown is not set");
            }
        }
    }

    private static ImmutableArray<RequestedValue> ReadTexts(ObjectReader source, string key, ConfigErrors errors)
    {
        ImmutableArray<RequestedValue>.Builder texts = ImmutableArray.CreateBuilder<RequestedValue>();
        int index = 0;
        foreach (JsonElement item in source.List(key, Bounds.Requested, out _) ?? default)
        {
            JsonPath path = source.PathOf(key).Item(index++);
            if (JsonText.Of(item) is string text)
            {
                texts.Add(new RequestedValue(path, text));
            }
            else
            {
                errors.WrongKind(path, item, "string");
            }
        }

        return texts.ToImmutable();
    }

    private static string? Last(ImmutableArray<KeyValuePair<string, string>> args, string key)
    {
        string? value = null;
        foreach ((string name, string text) in args)
        {
            value = name == key ? text : value;
        }

        return value;
    }
}

/// <summary>Per-pod values requested by the runtime, not yet validated.</summary>
/// <param name="PodName">The pod's name (<c>K8S_POD_NAME</c> of CNI_ARGS), or null.</param>
/// <param name="AddressesPath">The path of the addresses.</param>
/// <param name="Addresses">Addresses, with or without a prefix length; empty if none is requested.</param>
/// <param name="Mac">A hardware address, or null if none is requested.</param>
/// <param name="ForAnyPod">Whether the command concerns no particular pod (STATUS).</param>
internal sealed record RuntimeRequest(
    string? PodName, JsonPath AddressesPath, ImmutableArray<RequestedValue> Addresses, RequestedValue? Mac, bool ForAnyPod = false)
{
    public static RuntimeRequest None { get; } = new(null, JsonPath.Root, [], null, ForAnyPod: true);
}

/// <summary>A requested value and its path.</summary>
/// <param name="Path">The JSON path, or <c>CNI_ARGS.KEY</c>.</param>
internal sealed record RequestedValue(JsonPath Path, string Text);
