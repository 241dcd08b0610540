namespace Cni.Tests;

public class GarbageListTests
{
    /// <summary>The reference library omits the key of an empty list.</summary>
    [Theory]
    [InlineData("\"x\":1", "")]
    [InlineData("\"cni.dev/valid-attachments\":[]", "")]
    [InlineData("\"cni.dev/attachments\":[]", "")]
    [InlineData("\"cni.dev/valid-attachments\":null", "")]
    [InlineData("\"cni.dev/valid-attachments\":[{\"containerID\":\"a\",\"ifname\":\"net1\"},{\"containerID\":\"b\",\"ifname\":\"net2\",\"more\":1}]", "a net1, b net2")]
    [InlineData("\"cni.dev/attachments\":[{\"containerID\":\"a\",\"ifname\":\"net1\"}]", "a net1")]
    [InlineData("\"cni.dev/valid-attachments\":[{\"containerID\":\"a\",\"ifname\":\"net1\"}],\"cni.dev/attachments\":[{\"containerID\":\"b\",\"ifname\":\"net1\"}]", "a net1, b net1")]
    public void What_either_key_names_is_in_use(string member, string expected)
    {
        Call call = Call.Of("GC", Config(member)).Run();
        Assert.Equal((0, ""), (call.ExitCode, call.Stdout));
        Assert.Equal(expected, string.Join(", ", call.Request!.ValidAttachments.Select(item => $"{item.ContainerId} {item.IfName}")));
    }

    [Theory]
    [InlineData("\"cni.dev/valid-attachments\":{}", "cni.dev/valid-attachments is not a list")]
    [InlineData("\"cni.dev/attachments\":[\"a\"]", "cni.dev/attachments[0] is not an object with the texts containerID and ifname")]
    [InlineData("\"cni.dev/valid-attachments\":[{\"containerID\":\"a\"}]",
        "cni.dev/valid-attachments[0] is not an object with the texts containerID and ifname")]
    [InlineData("\"cni.dev/valid-attachments\":[],\"cni.dev/attachments\":[{\"containerID\":1,\"ifname\":\"b\"}]",
        "cni.dev/attachments[0] is not an object with the texts containerID and ifname")]
    public void A_list_that_is_not_understood_removes_nothing(string member, string message) =>
        Assert.Equal(message, Call.Of("GC", Config(member)).RunToError(CniErrorCode.InvalidConfig).GetProperty("msg").GetString());

    /// <summary>An IPAM plugin gets the same request as from the attachment's DEL.</summary>
    [Fact]
    public void The_request_of_a_stale_attachment_is_that_of_its_DEL()
    {
        Call gc = Call.Of("GC", Config("""
            "ipam":{"type":"fake","ranges":[1.50,"\u00e9\u003e"]},"cni.dev/attachments":null,"cni.dev/valid-attachments":[{"containerID":"a","ifname":"net1"}]
            """)).Run();
        CniRequest delete = gc.Request!.ToDelete(new CniAttachment("b", "net2"), "/run/netns/b");
        Assert.Equal("DEL container b interface net2 network net cniVersion 1.1.0", delete.ToString());
        Assert.Equal(("/run/netns/b", 0), (delete.NetNs, delete.ValidAttachments.Length));
        Assert.Equal(["cniVersion", "name", "ipam"], delete.Config.EnumerateObject().Select(member => member.Name));
        Assert.Equal("1.50", delete.Config.GetProperty("ipam").GetProperty("ranges")[0].GetRawText());
        Assert.Equal("é>", delete.Config.GetProperty("ipam").GetProperty("ranges")[1].GetString());
    }

    private static string Config(string member) => $$"""{"cniVersion":"1.1.0","name":"net",{{member}}}""";
}
