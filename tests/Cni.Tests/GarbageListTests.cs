namespace Cni.Tests;

public class GarbageListTests
{
    [Theory]
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
    [InlineData("\"x\":1", "cni.dev/valid-attachments is missing")]
    [InlineData("\"cni.dev/valid-attachments\":{}", "cni.dev/valid-attachments is not a list")]
    [InlineData("\"cni.dev/attachments\":[\"a\"]", "cni.dev/attachments[0] is not an object with the texts containerID and ifname")]
    [InlineData("\"cni.dev/valid-attachments\":[{\"containerID\":\"a\"}]", "cni.dev/valid-attachments[0] is not an object with the texts containerID and ifname")]
    [InlineData("\"cni.dev/valid-attachments\":[],\"cni.dev/attachments\":[{\"containerID\":1,\"ifname\":\"b\"}]", "cni.dev/attachments[0] is not an object with the texts containerID and ifname")]
    public void A_list_that_is_not_understood_removes_nothing(string member, string message) =>
        Assert.Equal(message, Call.Of("GC", Config(member)).RunToError(CniErrorCode.InvalidConfig).GetProperty("msg").GetString());

    private static string Config(string member) => $$"""{"cniVersion":"1.1.0","name":"net",{{member}}}""";
}
