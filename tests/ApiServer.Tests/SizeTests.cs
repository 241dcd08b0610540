using System.Diagnostics;
using System.Text.Json.Nodes;
using static ApiServer.Tests.ServerFixture;

namespace ApiServer.Tests;

/// <summary>As many objects as a large cluster has. The limits are far above what it takes: the machine may be busy.</summary>
public class SizeTests : OwnServer
{
    [Fact]
    public async Task Many_objects_are_made_listed_and_watched()
    {
        long began = Stopwatch.GetTimestamp();
        for (int number = 0; number < 5000; number++)
        {
            Server.Apply(Pod(number));
        }

        for (int number = 0; number < 1000; number++)
        {
            Server.Apply((JsonObject)JsonNode.Parse(Gadget($"g{number}", "{\"size\": 1}"))!);
        }

        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0, 10);
        await Lists("/api/v1/pods", 5000);
        await Lists("/api/v1/pods?fieldSelector=spec.nodeName%3Dn7&labelSelector=app", 50);
        await Lists(Gadgets, 1000);
        await Lists(Gadgets + "?limit=500", 500);

        using Lines watch = await Api.Watch("/api/v1/pods?watch=true");
        Assert.Equal(5000, (await watch.Next(5000)).Distinct().Count());
    }

    private async Task Lists(string path, int count)
    {
        long began = Stopwatch.GetTimestamp();
        Answer answer = await Api.Get(path);
        Assert.Equal(count, answer.Names.Length);
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0, 3);
    }

    private static JsonObject Pod(int number) => new()
    {
        ["apiVersion"] = "v1",
        ["kind"] = "Pod",
        ["metadata"] = new JsonObject
        {
            ["name"] = $"p{number}",
            ["namespace"] = "shop",
            ["labels"] = new JsonObject { ["app"] = "shop" },
        },
        ["spec"] = new JsonObject
        {
            ["nodeName"] = $"n{number % 100}",
            ["containers"] = new JsonArray(new JsonObject { ["name"] = "c", ["image"] = "i" }),
        },
        ["status"] = new JsonObject { ["phase"] = "Running", ["podIP"] = "10.0.0.1" },
    };
}
