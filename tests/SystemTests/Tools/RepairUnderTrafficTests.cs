using System.Globalization;
using Shared;

namespace SystemTests.Tools;

/// <summary>Destinations come and go beside those that have a thousand connections a second.</summary>
public class RepairUnderTrafficTests
{
    private const int Rate = 1000;

    private const int Kept = 16;

    private static readonly string _few = Config.With("80 tcp 192.168.12.91", "53 udp 192.168.12.91", "54 udp 192.168.12.92");

    private static readonly string _many =
        Config.With([.. Enumerable.Range(1000, 200).Select(port => $"{port} udp 192.168.12.92"), "80 tcp 192.168.12.91", "192.168.12.92"]);

    /// <summary>
    /// None has to knock twice, those that were there before live on, and none is lost but one that begins in the very moment
    /// of a change: the kernel shows the new rules an instant before the elements of the new maps (docs/tools.md).
    /// </summary>
    [RootFact]
    public async Task Connections_to_a_kept_destination_go_on_while_others_change()
    {
        using var lab = new Lab();
        lab.Add(_few);
        using var server = new Background(lab.Lan, Tool.Connections, "serve", "192.168.12.91", "80");
        server.WaitUntil(() => Lab.In(lab.Lan, "ss", "-Hltn").Length > 0);
        Task<string> traffic = Task.Run(() => Lab.In(
            lab.Client, Tool.Connections, "ask", Lab.PodAddress, "80", Text(Rate), "6000", Text(Kept)));
        int repairs = 0;
        for (; !traffic.IsCompleted; repairs++)
        {
            CommandResult repair = Tool.OnPod(lab, repairs % 2 == 0 ? _many : _few, "repair");
            Assert.True(repair.ExitCode == 0 && repair.Stdout.StartsWith("repaired\n", StringComparison.Ordinal), repair.ToString());
        }

        long[] counts = [.. (await traffic).Split(' ').Select(word => long.Parse(word, CultureInfo.InvariantCulture))];
        Assert.True(counts is [_, _, _, _, _, _], "connections.c has another line");
        string seen = string.Create(
            CultureInfo.InvariantCulture,
            $"repair under traffic: {counts[0]} connections in 6 s, {counts[1]} lost, {counts[2]} SYNs sent again, the slowest took {counts[3] / 1000.0:F0} ms; {counts[4]} of {Kept} kept ones broke, {counts[5]} bytes through them; {repairs} repairs");
        Figures.Note(seen);
        Assert.True(counts is [> 0, _, 0, _, 0, > Kept] && repairs >= 4 && counts[1] <= Math.Max(1, repairs / 50), seen);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
