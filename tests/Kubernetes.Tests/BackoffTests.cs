using System.Net;

namespace Kubernetes.Tests;

public sealed class BackoffTests
{
    private static readonly Exception _failure = new InvalidOperationException();

    [Fact]
    public void Pauses_double_up_to_the_longest_and_chance_adds_up_to_a_half()
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5));
        foreach (int least in (int[])[1, 2, 4, 5, 5, 5])
        {
            Assert.InRange(backoff.Next(_failure).TotalSeconds, least, least * 1.5);
        }

        backoff.Reset();
        Assert.InRange(backoff.Next(_failure).TotalSeconds, 1, 1.5);
    }

    [Fact]
    public void Chance_differs()
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        Assert.True(Enumerable.Range(0, 20).Select(_ => backoff.Next(_failure)).Distinct().Count() > 10);
    }

    [Fact]
    public void Very_many_attempts_do_not_overflow()
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5));
        for (int attempt = 0; attempt < 5000; attempt++)
        {
            Assert.InRange(backoff.Next(_failure).TotalSeconds, 1, 7.5);
        }
    }

    [Theory]
    [InlineData(30, 30, 30)]
    [InlineData(60, 60, 60)]
    [InlineData(86400, 60, 60)]
    [InlineData(0, 1, 1.5)]
    [InlineData(-5, 1, 1.5)]
    public void A_server_may_ask_for_a_longer_pause_up_to_a_minute_but_not_for_a_shorter_one(int asked, double least, double most)
    {
        var failure = ApiException.Of("GET /", HttpStatusCode.TooManyRequests, TimeSpan.FromSeconds(asked), "");
        var backoff = new Backoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5));
        Assert.InRange(backoff.Next(failure).TotalSeconds, least, most);
    }
}
