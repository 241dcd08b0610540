using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ApiServer;
using Kubernetes.Tests.Infrastructure;
using Microsoft.Extensions.Time.Testing;

namespace Kubernetes.Tests.Events;

public sealed partial class EventRecorderTests : IAsyncLifetime
{
    private static readonly ObjectMeta _node = new(null, "n1", "11111111-2222-3333-4444-555555555555", "7");

    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    private KubeApiServer _server = null!;

    private KubernetesApi _api = null!;

    private EventRecorder _recorder = null!;

    public async Task InitializeAsync()
    {
        _server = await KubeApiServer.Start();
        _api = Clients.Of(_server);
        _recorder = new EventRecorder(_api, "me", "me-1", _clock);
    }

    public async Task DisposeAsync()
    {
        _api.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task An_event_has_all_that_kubectl_describe_asks_for()
    {
        await WriteAsync(New("Reason", "message"));
        // These are the fields by which kubectl finds the events of an object without a namespace.
        string fields = $"involvedObject.namespace=,involvedObject.kind=Node,involvedObject.uid={_node.Uid},involvedObject.name=n1";
        ObjectPage found = await _api.ListAsync(Resource.Events, new Selection(FieldSelector: fields), CancellationToken.None);
        JsonElement written = Assert.Single(found.Items);
        Assert.Equal("v1", written.GetProperty("involvedObject").GetProperty("apiVersion").GetString());
        Assert.Equal("default", ObjectMeta.Of(written).Namespace);
        Assert.Equal("Warning", written.GetProperty("type").GetString());
        Assert.Equal("Reason", written.GetProperty("reason").GetString());
        Assert.Equal("message", written.GetProperty("message").GetString());
        Assert.Equal(1, written.GetProperty("count").GetInt32());
        Assert.Equal("2026-01-02T03:04:05Z", written.GetProperty("firstTimestamp").GetString());
        Assert.Equal("2026-01-02T03:04:05Z", written.GetProperty("lastTimestamp").GetString());
        Assert.Equal("me", written.GetProperty("source").GetProperty("component").GetString());
        Assert.Equal("me-1", written.GetProperty("reportingInstance").GetString());
    }

    [Fact]
    public async Task An_event_of_an_object_in_a_namespace_is_there_too()
    {
        var lease = new ObjectMeta("kube-system", "x", "u", "1");
        await WriteAsync(_recorder.New(Resource.Leases, lease, "Normal", "Reason", "message", "subject")!);
        JsonObject written = Assert.Single(_server.All("events", "kube-system"));
        Assert.Equal(
            """{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","name":"x","uid":"u","namespace":"kube-system"}""",
            written["involvedObject"]!.ToJsonString());
    }

    [Fact]
    public async Task An_event_whose_answer_is_lost_is_tried_again_and_written_once()
    {
        _server.Add(Fault.CutAfter);
        JsonObject made = New("Reason", "message");
        Assert.Null((await Assert.ThrowsAsync<ApiException>(() => WriteAsync(made))).Code);
        await WriteAsync(made);
        await WriteAsync(made);
        Assert.Single(_server.All("events"));
    }

    /// <summary>A namespace whose pods come and go must not fill the store of the API server.</summary>
    [Fact]
    public void Of_an_object_and_a_reason_there_is_a_burst_and_then_one_in_a_minute()
    {
        Assert.Equal(25, Told("Reason", 100));
        Assert.Equal(25, Told("Other", 30));
        Assert.NotNull(_recorder.New(Resource.Nodes, _node with { Uid = "other" }, "Normal", "Reason", "message", "subject"));

        _clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(0, Told("Reason", 1));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("message (before it, 76 like this were not told)", (string?)New("Reason", "message")["message"]);
        Assert.Equal(0, Told("Reason", 1));
        _clock.Advance(TimeSpan.FromMinutes(100));
        Assert.Equal(25, Told("Reason", 30));

        int Told(string reason, int times) => Enumerable.Range(0, times).Count(
            _ => _recorder.New(Resource.Nodes, _node, "Normal", reason, "message", "subject") is not null);
    }

    [Fact]
    public async Task A_conflict_that_is_not_about_the_name_is_a_failure()
    {
        // A quota that changed meanwhile answers so.
        _server.Add(Fault.Answer(409));
        JsonObject made = New("Reason", "message");
        Assert.True((await Assert.ThrowsAsync<ApiException>(() => WriteAsync(made))).IsConflict);
        Assert.Empty(_server.All("events"));
        await WriteAsync(made);
        Assert.Single(_server.All("events"));
    }

    [Fact]
    public void Names_differ_also_at_one_time_and_if_the_clock_goes_back()
    {
        var clock = new FakeTimeProvider(_clock.GetUtcNow()) { AutoAdvanceAmount = TimeSpan.Zero };
        var recorder = new EventRecorder(_api, "me", "me-1", clock);
        string[] names =
        [
            .. Enumerable.Range(0, 2000).AsParallel().WithDegreeOfParallelism(4).Select(_ => NameOf(recorder)),
        ];
        Assert.Equal(names.Length, names.Distinct().Count());
        clock.AdjustTime(clock.GetUtcNow() - TimeSpan.FromMilliseconds(0.1));
        Assert.All(Enumerable.Range(0, 10), _ => Assert.DoesNotContain(NameOf(recorder), names));
    }

    [Theory]
    [InlineData("n1")]
    [InlineData("a-name.with-parts")]
    [InlineData(null)]
    public async Task Names_are_such_as_the_API_takes(string? name)
    {
        // Each length up to the longest, so that one is cut at a hyphen and one at a dot.
        for (int length = 230; length <= (name is null ? 253 : 230); length++)
        {
            string involved = name ?? string.Concat(Enumerable.Repeat("a-b.c", 60))[..length].TrimEnd('-', '.');
            JsonObject made = _recorder.New(
                Resource.Nodes, _node with { Name = involved, Uid = $"{length}" }, "Normal", "Reason", "message", "subject")!;
            string event_ = made["metadata"]!["name"]!.ToString();
            Assert.InRange(event_.Length, 1, 253);
            Assert.Matches(Subdomain(), event_);
            Assert.Equal(involved, made["involvedObject"]!["name"]!.ToString());
            await WriteAsync(made);
        }
    }

    [Theory]
    [InlineData("x", 1024, 1024)]
    [InlineData("x", 1025, 1024)]
    [InlineData("ä", 512, 1024)]
    [InlineData("ä", 513, 1023)]
    [InlineData("€", 342, 1023)]
    [InlineData("😀", 256, 1024)]
    [InlineData("😀", 257, 1023)]
    [InlineData("x", 100_000, 1024)]
    public async Task A_message_has_at_most_1024_bytes_and_whole_characters(string character, int count, int bytes)
    {
        string message = string.Concat(Enumerable.Repeat(character, count));
        string shortened = EventRecorder.Shortened(message);
        Assert.Equal(bytes, new UTF8Encoding(false, throwOnInvalidBytes: true).GetByteCount(shortened));
        Assert.Equal(shortened == message, !shortened.EndsWith("...", StringComparison.Ordinal));
        Assert.StartsWith(shortened.TrimEnd('.'), message, StringComparison.Ordinal);
        await WriteAsync(New("Reason", message));
        Assert.Equal(shortened, _server.All("events").Single()["message"]!.ToString());
    }

    [Fact]
    public async Task Half_a_character_does_no_harm()
    {
        await WriteAsync(New("Reason", "a\ud83d"));
        await WriteAsync(New("Reason", new string('\ud83d', 2000)));
        Assert.Equal(2, _server.All("events").Count);
    }

    [Fact]
    public async Task Only_events_of_this_program_and_resource_are_listed()
    {
        for (int number = 0; number < 600; number++)
        {
            JsonObject made = New("Mine", $"{number}");
            made["reportingComponent"] = number < 550 ? "me" : "another";
            _server.Apply(made);
            _clock.Advance(TimeSpan.FromMinutes(1));
        }

        await WriteAsync(_recorder.New(Resource.Leases, new ObjectMeta(null, "x", "u", "1"), "Normal", "OfALease", "message", "subject")!);
        ObjectMeta elsewhere = _node with { Namespace = "kube-system" };
        await WriteAsync(_recorder.New(Resource.Nodes, elsewhere, "Normal", "Elsewhere", "message", "subject")!);
        IReadOnlyList<WrittenEvent> found = await _recorder.ListAsync(Resource.Nodes, "default", CancellationToken.None);
        Assert.Equal(550, found.Count);
        Assert.Equal(550, found.Distinct().Count());
        Assert.Contains(new WrittenEvent(_node.Uid, "Mine", "0"), found);
        Assert.All(found, one => Assert.Equal("Mine", one.Reason));
    }

    [GeneratedRegex("^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")]
    private static partial Regex Subdomain();

    private static string NameOf(EventRecorder recorder) =>
        recorder.New(Resource.Nodes, _node with { Uid = $"{Guid.NewGuid()}" }, "Normal", "Reason", "message", "subject")!
            ["metadata"]!["name"]!.ToString();

    private JsonObject New(string reason, string message) =>
        _recorder.New(Resource.Nodes, _node, "Warning", reason, message, subject: message)!;

    private Task WriteAsync(JsonObject made) => _recorder.WriteAsync(made, CancellationToken.None);
}
