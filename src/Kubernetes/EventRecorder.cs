using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Kubernetes;

/// <summary>Writes events of objects (core v1 Event), which <c>kubectl describe</c> shows.</summary>
/// <param name="component">The name of the program.</param>
/// <param name="instance">The name of this process.</param>
public sealed class EventRecorder(IKubernetesApi api, string component, string instance, TimeProvider clock)
{
    /// <summary>Where events of objects without a namespace are.</summary>
    public const string DefaultNamespace = "default";

    /// <summary>The annotation that holds an event's subject.</summary>
    private const string SubjectAnnotation = "egress-router-cni.io/subject";

    private readonly EventLimit _limit = new(clock);

    private long _lastTime;

    /// <summary>
    /// An event that has not been written yet. Its name makes sure that it is written once, however often it is tried. Null: of this
    /// object and reason there were 25 at once, or then one in a minute. The next one tells how many were left out.
    /// </summary>
    /// <param name="type"><c>Normal</c> or <c>Warning</c>.</param>
    /// <param name="reason">One word, in CamelCase.</param>
    /// <param name="subject">What <see cref="ListAsync"/> finds it by, beside the reason.</param>
    public JsonObject? New(Resource resource, ObjectMeta involved, string type, string reason, string message, string subject)
    {
        ArgumentNullException.ThrowIfNull(resource);
        ArgumentNullException.ThrowIfNull(involved);
        if (!_limit.Allows(involved.Uid, reason, out long refused))
        {
            return null;
        }

        DateTimeOffset now = clock.GetUtcNow();
        string time = now.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        string space = involved.Namespace ?? DefaultNamespace;
        var reference = new JsonObject
        {
            ["apiVersion"] = resource.ApiVersion,
            ["kind"] = resource.Kind,
            ["name"] = involved.Name,
            ["uid"] = involved.Uid,
        };
        if (involved.Namespace is not null)
        {
            reference["namespace"] = involved.Namespace;
        }

        return new JsonObject
        {
            ["apiVersion"] = Resource.Events.ApiVersion,
            ["kind"] = Resource.Events.Kind,
            ["metadata"] = new JsonObject
            {
                ["namespace"] = space,
                ["name"] = UniqueName(involved, now),
                ["annotations"] = new JsonObject { [SubjectAnnotation] = Shortened(subject) },
            },
            ["involvedObject"] = reference,
            ["type"] = type,
            ["reason"] = reason,
            ["message"] = Shortened(refused == 0 ? message : $"{message} (before it, {refused} like this were not told)"),
            ["firstTimestamp"] = time,
            ["lastTimestamp"] = time,
            ["count"] = 1,
            ["source"] = new JsonObject { ["component"] = component },
            ["reportingComponent"] = component,
            ["reportingInstance"] = instance,
        };
    }

    /// <summary>Writes an event.</summary>
    /// <exception cref="ApiException">Try again with the same event.</exception>
    public async Task WriteAsync(JsonObject made, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(made);
        try
        {
            await api.CreateAsync(Resource.Events, made["metadata"]!["namespace"]!.GetValue<string>(), made, cancellation);
        }
        catch (ApiException failure) when (failure.IsAlreadyExists)
        {
            // It exists: an earlier attempt succeeded, but its answer was lost.
        }
    }

    /// <summary>The events that this program has written of objects of a resource, and that the server still has.</summary>
    public async Task<IReadOnlyList<WrittenEvent>> ListAsync(Resource resource, string space, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(resource);
        ObjectPage list = await api.ListAsync(
            Resource.Events, new Selection(space, FieldSelector: $"involvedObject.kind={resource.Kind}"), cancellation);
        return
        [
            .. list.Items.Where(one => one.Text("reportingComponent") == component).Select(one => new WrittenEvent(
                one.Object("involvedObject")?.Text("uid") ?? "", one.Text("reason") ?? "",
                one.Object("metadata")?.Object("annotations")?.Text(SubjectAnnotation) ?? "")),
        ];
    }

    /// <summary>The message as an event holds it: the API takes 1,024 bytes.</summary>
    public static string Shortened(string message)
    {
        const int most = 1024;
        const string mark = "...";
        ArgumentNullException.ThrowIfNull(message);
        if (Encoding.UTF8.GetByteCount(message) <= most)
        {
            return message;
        }

        var kept = new StringBuilder();
        int bytes = mark.Length;
        foreach (Rune rune in message.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (bytes > most)
            {
                break;
            }

            kept.Append(rune.ToString());
        }

        return kept.Append(mark).ToString();
    }

    /// <summary>Of the object and the time in units of 100 ns, but never the same twice.</summary>
    private string UniqueName(ObjectMeta involved, DateTimeOffset now)
    {
        // A name has at most 253 characters, and no part of it ends with a hyphen.
        string start = involved.Name[..Math.Min(involved.Name.Length, 253 - 17)].TrimEnd('-', '.');
        while (true)
        {
            long last = Interlocked.Read(ref _lastTime);
            long next = Math.Max(last + 1, now.UtcTicks);
            if (Interlocked.CompareExchange(ref _lastTime, next, last) == last)
            {
                return $"{start}.{next:x}";
            }
        }
    }
}

/// <summary>An event that the server has.</summary>
/// <param name="Uid">Of the object.</param>
public sealed record WrittenEvent(string Uid, string Reason, string Subject);
