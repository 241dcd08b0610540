using System.Diagnostics;
using System.Text.Json.Nodes;
using ApiServer;
using Microsoft.Extensions.Time.Testing;

namespace Kubernetes.Tests.Infrastructure;

/// <summary>
/// Processes that want to lead, a server, and one clock for all of them, which goes on in steps whenever all requests are answered. So a
/// minute takes a second. That never two lead at a time is checked whenever one begins to.
/// </summary>
internal sealed class Candidates : IAsyncDisposable
{
    public const string Space = "kube-system";

    public const string Name = "test";

    private static readonly TimeSpan _step = TimeSpan.FromSeconds(0.1);

    private readonly Lock _lock = new();

    private readonly List<Candidate> _all = [];

    private readonly List<Term> _terms = [];

    private Candidates(KubeApiServer server) => Server = server;

    public KubeApiServer Server { get; }

    public FakeTimeProvider Clock { get; } = new();

    /// <summary>How long a step waits for answers, in real time. A test whose server is silent makes it short.</summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(5);

    public double Seconds => (Clock.GetUtcNow() - Clock.Start).TotalSeconds;

    /// <summary>All terms so far, in order.</summary>
    public Term[] Terms
    {
        get
        {
            lock (_lock)
            {
                return [.. _terms];
            }
        }
    }

    /// <summary>Who leads; null if nobody does.</summary>
    public string? Leader => Array.Find(Terms, term => term.End is null)?.Name;

    public JsonObject? Lease => Server.Get("leases.coordination.k8s.io", Name, Space);

    public JsonObject Spec => Lease!["spec"]!.AsObject();

    public static async Task<Candidates> StartAsync(params string[] names)
    {
        var candidates = new Candidates(await KubeApiServer.Start());
        foreach (string name in names)
        {
            candidates.Add(name);
        }

        return candidates;
    }

    /// <summary>Starts one.</summary>
    /// <param name="name">Its identity, and its user agent.</param>
    /// <param name="lead">Its work; null: it waits for the end.</param>
    public Candidate Add(string name, Func<CancellationToken, Task>? lead = null)
    {
        var api = new CountingApi(Clients.Of(Server, name, Clock));
        var lines = new LogLines();
        var election = new LeaderElection(api, Space, Name, name, lines.Log, Clock);
        var end = new CancellationTokenSource();
        Task run = election.RunAsync(
            token => LeadAsync(name, lead ?? (stop => Task.Delay(Timeout.InfiniteTimeSpan, stop)), token), end.Token);
        var candidate = new Candidate(name, election, api, run, end, lines);
        _all.Add(candidate);
        return candidate;
    }

    /// <summary>Starts one, and waits until it leads.</summary>
    public async Task<Candidate> AddLeaderAsync(string name, Func<CancellationToken, Task>? lead = null)
    {
        Candidate candidate = Add(name, lead);
        await UntilAsync(() => Leader == name);
        return candidate;
    }

    /// <summary>Puts a Lease there that another program could have written.</summary>
    public void PutLease(string spec) => Server.ApplyYaml(
        $"{{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {{name: {Name}, namespace: {Space}}}, spec: {{{spec}}}}}");

    /// <summary>Whether a request is one of a candidate's.</summary>
    public static Func<ApiRequest, bool> Of(string name) => request => request.UserAgent == name;

    public static Func<ApiRequest, bool> WritesOf(string name) => request => request.UserAgent == name && request.IsWrite;

    /// <summary>Requests stay without an answer from now on.</summary>
    public FaultRule Silence(Func<ApiRequest, bool> when, int times = int.MaxValue)
    {
        Patience = TimeSpan.FromMilliseconds(40);
        return Server.Add(Fault.Silence, when, times);
    }

    public Task RunAsync(double seconds)
    {
        double end = Seconds + seconds;
        return UntilAsync(() => Seconds >= end, seconds + 1);
    }

    public async Task UntilAsync(Func<bool> condition, double limit = 40)
    {
        double end = Seconds + limit;
        while (!condition())
        {
            Assert.True(Seconds < end, string.Join('\n', [Lease?.ToJsonString(), .. Terms, .. _all.SelectMany(one => one.Lines.Warnings)]));
            long began = Stopwatch.GetTimestamp();
            // Twice idle: between two requests of one candidate is a moment without any.
            for (int idle = 0; idle < 2 && Stopwatch.GetElapsedTime(began) < Patience;)
            {
                await Task.Delay(1);
                idle = _all.Exists(one => one.Api.Open > 0) ? 0 : idle + 1;
            }

            Clock.Advance(_step);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Candidate candidate in _all)
        {
            await candidate.End.CancelAsync();
        }

        await UntilAsync(() => _all.TrueForAll(one => one.Run.IsCompleted));
        _all.ForEach(one => one.Api.Dispose());
        await Server.DisposeAsync();
        Assert.All(Terms.Zip(Terms.Skip(1)), pair => Assert.True(pair.First.End <= pair.Second.Begin, $"two lead: {pair}"));
    }

    private async Task LeadAsync(string name, Func<CancellationToken, Task> lead, CancellationToken cancellation)
    {
        var term = new Term(name, Seconds);
        lock (_lock)
        {
            _terms.Add(term);
        }

        try
        {
            await lead(cancellation);
        }
        finally
        {
            term.End = Seconds;
        }
    }
}

/// <summary>One process.</summary>
internal sealed record Candidate(
    string Name, LeaderElection Election, CountingApi Api, Task Run, CancellationTokenSource End, LogLines Lines);

/// <summary>When one has led, in seconds.</summary>
internal sealed record Term(string Name, double Begin)
{
    public double? End { get; set; }
}
