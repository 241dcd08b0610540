using SystemTests.EgressIp;
using Xunit.Abstractions;

namespace SystemTests.Reliability;

/// <summary>
/// The agent of a node is killed before one of its changes of the kernel, while pods send all the time: nothing leaves with a wrong
/// address, and the next agent makes the node as it would be. Only one node at a time may hold addresses.
/// </summary>
public sealed class AgentKillTests(ITestOutputHelper output)
{
    private const string Address = EgressCluster.Address4;

    [RootFact]
    public void The_first_start_on_an_egress_node_and_on_one_of_pods() => AtEachChange(
        new("first start on an egress node", 1, kill => kill.CleanUp(1), null, (Address, 1), Late: "a1"),
        new("first start on a node of pods", 2, kill => kill.CleanUp(2), null, (Address, 1), Late: "b1"));

    [RootFact]
    public void Addresses_leave_the_node_and_come_back() => AtEachChange(
        new("addresses leave", 1, kill => kill.Move(1), kill => kill.BeginMove(2), (Address, 2)),
        new("addresses come", 1, kill => kill.Move(2), kill => kill.BeginMove(1), (Address, 1)));

    /// <summary>On the node that holds its address, and has its pod.</summary>
    [RootFact]
    public void An_object_is_added_and_removed() => AtEachChange(
        new("an object is added", 1, kill => kill.RemoveObject(), kill => kill.BeginObject(), (AgentKill.More, 1), Late: "a2"),
        new("an object is removed", 1, kill => kill.AddObject(), kill => kill.EndObject(), (AgentKill.More, null)));

    private void AtEachChange(params AgentEvent[] events)
    {
        using var kill = new AgentKill(output);
        (AgentEvent Event, AgentRun Undisturbed, Findings Findings)[] all =
            [.. events.Select(one => (one, kill.Run(one), new Findings($"EgressIP agent is killed: {one.Name}")))];
        var killed = events.ToDictionary(one => one.Name, _ => 0);
        // In turns: what one of them leaves is what the next one begins with.
        for (int number = 1; number <= all.Max(one => one.Undisturbed.Changes); number++)
        {
            foreach ((AgentEvent one, AgentRun undisturbed, Findings findings) in all)
            {
                if (Sampling.Sample([.. Enumerable.Range(1, undisturbed.Changes)], 2).Contains(number))
                {
                    findings.Try(
                        () => $"before change {number} of {undisturbed.Changes}",
                        () => killed[one.Name] += kill.Run(one, number, undisturbed.State).WasKilled ? 1 : 0);
                }
            }
        }

        output.WriteLine($"killed: {string.Join(", ", killed)}");
        Assert.Multiple([.. all.Select(one => (Action)(() => one.Findings.AssertNone(atLeast: 2)))]);
        // It may make fewer changes than the first time: then it is not killed.
        Assert.All(killed, one => Assert.True(one.Value >= 1, $"{one.Key}: killed {one.Value} times"));
    }
}
