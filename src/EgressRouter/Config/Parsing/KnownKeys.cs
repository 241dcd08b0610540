using Cni;

namespace EgressRouter.Config;

/// <summary>The known keys, and suggestions for unknown ones.</summary>
internal static class KnownKeys
{
    /// <summary>Top-level keys: the router's own, then those of the CNI specification, which other code reads.</summary>
    public static readonly string[] Top =
    [
        "interfaceType", InterfaceParser.Key, "clusterInterface", "inbound", ConflictParser.Key, ConflictParser.TimeoutKey, "ip", "podIP",
        "ipConfig", LogParser.FileKey, LogParser.LevelKey, "dns",
        "cniVersion", "cniVersions", "name", "type", "args", "runtimeConfig", "capabilities", "prevResult", "ipMasq", "ipam",
        "disableCheck", "disableGC", "loadOnlyInlinedPlugins",
    ];

    /// <summary>Top-level keys beside <c>egressIP</c>: the plugin's own, then those of the CNI specification.</summary>
    public static readonly string[] Gate =
    [
        GateParser.Key, GateParser.SocketKey, GateParser.TimeoutKey, LogParser.FileKey, LogParser.LevelKey,
        "cniVersion", "cniVersions", "name", "type", "args", "runtimeConfig", "capabilities", "prevResult",
        "disableCheck", "disableGC", "loadOnlyInlinedPlugins",
    ];

    /// <summary>Keys of <c>interfaceArgs</c>.</summary>
    public static readonly string[] InterfaceArgs = ["master", "mode", "mtu", "txqueuelen", "vlanId", "mac"];

    public static readonly string[] Ip = [AddressesParser.Key, AllowedParser.Key, GatewaysParser.Key, GatewaysParser.ListKey,
        DestinationsParser.ListKey, DestinationsParser.TextKey, DestinationsParser.FallbackKey, IpParser.HighAvailabilityKey];

    public static readonly string[] Dns = ["nameservers", "domain", "search", "options"];

    /// <summary>The prefix of keys that runtimes add (CNI specification 1.1.0).</summary>
    private const string RuntimePrefix = "cni.dev/";

    /// <summary>Warns about each unknown member.</summary>
    public static void WarnUnknown(ObjectReader reader, string[] known, ConfigErrors errors)
    {
        foreach (string name in reader.Names)
        {
            if (IsKnown(reader, name, known))
            {
                continue;
            }

            string? meant = NearestOf(name, known) is string nearest ? nearest : HomeOf(name, reader.Path);
            errors.Warn(reader.PathOf(name), null, meant is null ? "unknown key" : $"unknown key, did you mean \"{meant}\"?");
        }
    }

    /// <summary>Adds an error for each key that does not go with <c>egressIP</c>.</summary>
    public static void RefuseOthers(ObjectReader reader, ConfigErrors errors)
    {
        foreach (string name in reader.Names)
        {
            if (!IsKnown(reader, name, Gate))
            {
                errors.Add(reader.PathOf(name), null, Top.AsSpan().Contains(name) ? $"does not go with \"{GateParser.Key}\""
                    : NearestOf(name, Gate) is string meant ? $"unknown key, did you mean \"{meant}\"?"
                    : "unknown key");
            }
        }
    }

    private static bool IsKnown(ObjectReader reader, string name, string[] known) =>
        known.AsSpan().Contains(name) || (reader.Path.IsRoot && name.StartsWith(RuntimePrefix, StringComparison.Ordinal));

    /// <summary>Reports a missing key, and an unknown key that may be a misspelling of it.</summary>
    public static void FaultMissing(ObjectReader reader, string key, string[] known, ConfigErrors errors)
    {
        string hint = "";
        foreach (string name in reader.Names)
        {
            if (!known.AsSpan().Contains(name) && NearestOf(name, known) == key)
            {
                hint = name.Equals(key, StringComparison.OrdinalIgnoreCase)
                    ? $" (found \"{name}\"; keys are case-sensitive)"
                    : $" (did you mean \"{key}\" by \"{SafeText.Part(name)}\"?)";
            }
        }

        errors.Add(reader.PathOf(key), null, "is missing" + hint);
    }

    /// <summary>The known key with the smallest edit distance, ignoring case, or null if none is near.</summary>
    private static string? NearestOf(string name, string[] known)
    {
        string? nearest = null;
        int least = int.MaxValue;
        foreach (string candidate in known)
        {
            int distance = EditDistance.Between(name, candidate, MaxDistance(candidate.Length));
            if (distance <= MaxDistance(candidate.Length) && distance < least)
            {
                (nearest, least) = (candidate, distance);
            }
        }

        return nearest;
    }

    /// <summary>The right path of a known key that is in the wrong object, or null.</summary>
    private static string? HomeOf(string name, JsonPath path)
    {
        ReadOnlySpan<(string Path, string[] Keys)> objects = [("ip", Ip), (InterfaceParser.Key, InterfaceArgs), ("dns", Dns)];
        foreach ((string home, string[] keys) in objects)
        {
            if (path != home && keys.AsSpan().Contains(name))
            {
                return $"{home}.{name}";
            }
        }

        return !path.IsRoot && Top.AsSpan().Contains(name) ? $"{name}\" at the top level, next to \"{path}" : null;
    }

    private static int MaxDistance(int length) => length < 3 ? 0 : length < 6 ? 1 : 2;
}

internal static class EditDistance
{
    /// <summary>
    /// The number of insertions, deletions, substitutions and transpositions of adjacent letters (optimal string alignment),
    /// ignoring case. Above <paramref name="limit"/> the exact number is undefined.
    /// </summary>
    public static int Between(string left, string right, int limit)
    {
        if (Math.Abs(left.Length - right.Length) > limit)
        {
            return limit + 1;
        }

        // Rows of the dynamic-programming table: two above, one above, the current one.
        Span<int> before = new int[right.Length + 1];
        Span<int> above = new int[right.Length + 1];
        Span<int> row = new int[right.Length + 1];
        for (int j = 0; j <= right.Length; j++)
        {
            above[j] = j;
        }

        for (int i = 1; i <= left.Length; i++)
        {
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int exchange = above[j - 1] + (Same(left[i - 1], right[j - 1]) ? 0 : 1);
                row[j] = Math.Min(exchange, 1 + Math.Min(above[j], row[j - 1]));
                if (i > 1 && j > 1 && Same(left[i - 1], right[j - 2]) && Same(left[i - 2], right[j - 1]))
                {
                    row[j] = Math.Min(row[j], before[j - 2] + 1);
                }
            }

            Span<int> free = before;
            before = above;
            above = row;
            row = free;
        }

        return above[right.Length];
    }

    private static bool Same(char left, char right) => char.ToLowerInvariant(left) == char.ToLowerInvariant(right);
}
