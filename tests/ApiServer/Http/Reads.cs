using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ApiServer;

/// <summary>GET of one object and of a list.</summary>
internal sealed class Reads(Cluster cluster)
{
    public Stored Get(ApiRequest request, Kind kind)
    {
        ThrowIfFuture(RevisionOf(request));
        return cluster.Store.Find(kind.Storage, kind.KeyOf(request.Namespace, request.Name!))
            ?? throw ApiError.NotFound(kind, request.Name!);
    }

    public byte[] List(ApiRequest request, Kind kind, Representation representation)
    {
        var selection = new Selection(request, kind);
        long? asked = RevisionOf(request);
        if (request.Query.ContainsKey("resourceVersionMatch") && asked is null)
        {
            throw ApiError.Invalid(
                "meta.k8s.io", "ListOptions", "",
                Cause.Forbidden("resourceVersionMatch", "is forbidden unless resourceVersion is provided"));
        }

        if (!int.TryParse(request.Query.GetValueOrDefault("limit", "0"), CultureInfo.InvariantCulture, out int limit))
        {
            throw ApiError.BadRequest("limit: no integer");
        }

        if (asked == 0)
        {
            // The real server answers this from its cache, which has no limit.
            limit = 0;
        }

        string start = "";
        long revision;
        IEnumerable<KeyValuePair<string, Stored>> objects;
        lock (cluster.Store.Gate)
        {
            revision = cluster.Store.Revision;
            if (request.Query.GetValueOrDefault("continue") is { Length: > 0 } token)
            {
                (revision, start) = Continue(token, asked);
            }
            else if (asked > 0)
            {
                ThrowIfFuture(asked);
                bool isExact = request.Query.GetValueOrDefault("resourceVersionMatch") is string match ? match == "Exact" : limit > 0;
                revision = isExact ? asked.Value : revision;
            }

            objects = revision == cluster.Store.Revision ? cluster.Store.All(kind.Storage) : cluster.Store.AllAt(kind.Storage, revision);
        }

        var found = new List<Stored>();
        int left = 0;
        string last = "";
        foreach ((string key, Stored one) in objects)
        {
            if (string.CompareOrdinal(key, start) > 0 && selection.Matches(one))
            {
                if (limit > 0 && found.Count == limit)
                {
                    left++;
                    continue;
                }

                found.Add(one);
                last = key;
            }
        }

        var metadata = new JsonObject { ["resourceVersion"] = revision.ToString(CultureInfo.InvariantCulture) };
        if (left > 0)
        {
            metadata["continue"] = Token(revision, last);
            if (selection.IsEmpty)
            {
                metadata["remainingItemCount"] = left;
            }
        }

        return representation.List(metadata, found);
    }

    /// <summary>The revision that is asked for; null if none is.</summary>
    public static long? RevisionOf(ApiRequest request) => request.Query.GetValueOrDefault("resourceVersion") switch
    {
        null or "" => null,
        string text => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long revision)
            ? revision
            : throw ApiError.BadRequest($"invalid resource version \"{text}\""),
    };

    private void ThrowIfFuture(long? revision)
    {
        if (revision > cluster.Store.Revision)
        {
            throw new ApiError(504, "Timeout", $"Too large resource version: {revision}, current: {cluster.Store.Revision}")
                .Because([new Cause("ResourceVersionTooLarge", "", "Too large resource version")]).RetryAfter(1);
        }
    }

    private static string Token(long revision, string last) => Convert.ToBase64String(Encoding.UTF8.GetBytes(
        new JsonObject { ["v"] = "meta.k8s.io/v1", ["rv"] = revision, ["start"] = last }.ToJsonString())).TrimEnd('=');

    private static (long Revision, string Start) Continue(string token, long? asked)
    {
        if (asked > 0)
        {
            throw ApiError.BadRequest("specifying resource version is not allowed when using continue");
        }

        try
        {
            var parsed = JsonNode.Parse(Convert.FromBase64String(token.PadRight((token.Length + 3) / 4 * 4, '=')));
            return (parsed!["rv"]!.GetValue<long>(), parsed.Text("start")!);
        }
        catch (Exception fault) when (fault is FormatException or JsonException or NullReferenceException or InvalidOperationException)
        {
            throw ApiError.BadRequest("continue key is not valid");
        }
    }
}
