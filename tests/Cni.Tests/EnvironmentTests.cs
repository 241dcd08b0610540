using System.Text.Json;

namespace Cni.Tests;

public class EnvironmentTests
{
    [Theory]
    [InlineData("ADD", "CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH")]
    [InlineData("CHECK", "CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH")]
    [InlineData("DEL", "CNI_CONTAINERID,CNI_IFNAME")]
    [InlineData("STATUS", "CNI_PATH")]
    [InlineData("GC", "CNI_PATH")]
    public void All_that_is_missing_is_named_at_once(string command, string missing)
    {
        Call call = Call.Of(command);
        foreach (string name in new[] { "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH" })
        {
            call.Environment.Remove(name);
        }

        JsonElement error = call.RunToError(CniErrorCode.InvalidEnvironment);
        Assert.Equal($"required env variables [{missing}] missing", error.GetProperty("msg").GetString());
        Assert.Equal("1.1.0", error.GetProperty("cniVersion").GetString());
    }

    [Theory]
    [InlineData("ADD", "CNI_CONTAINERID")]
    [InlineData("ADD", "CNI_NETNS")]
    [InlineData("ADD", "CNI_IFNAME")]
    [InlineData("CHECK", "CNI_CONTAINERID")]
    [InlineData("CHECK", "CNI_NETNS")]
    [InlineData("CHECK", "CNI_IFNAME")]
    [InlineData("DEL", "CNI_CONTAINERID")]
    [InlineData("DEL", "CNI_IFNAME")]
    [InlineData("ADD", "CNI_PATH")]
    [InlineData("CHECK", "CNI_PATH")]
    [InlineData("STATUS", "CNI_PATH")]
    [InlineData("GC", "CNI_PATH")]
    public void An_empty_variable_is_a_missing_one(string command, string name)
    {
        Call call = Call.Of(command);
        call.Environment[name] = "";
        JsonElement error = call.RunToError(CniErrorCode.InvalidEnvironment);
        Assert.Equal($"required env variables [{name}] missing", error.GetProperty("msg").GetString());
    }

    [Theory]
    [InlineData("STATUS", CniCommand.Status)]
    [InlineData("GC", CniCommand.Gc)]
    public void What_is_about_the_network_knows_no_container(string command, CniCommand expected)
    {
        Call call = Call.Of(command, """{"cniVersion":"1.1.0","name":"net","cni.dev/valid-attachments":[]}""");
        call.Environment["CNI_IFNAME"] = "no/name";
        CniRequest request = call.Run().Request!;
        Assert.Equal((expected, "", "", ""), (request.Command, request.ContainerId, request.NetNs, request.IfName));
        Assert.Equal((0, "", $"{command} network net cniVersion 1.1.0"), (call.ExitCode, call.Stdout, request.ToString()));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void A_delete_without_a_namespace_and_without_plugins_runs(string? value)
    {
        Call call = Call.Of("DEL");
        foreach (string name in new[] { "CNI_NETNS", "CNI_PATH" })
        {
            call.Environment.Remove(name);
            if (value is not null)
            {
                call.Environment[name] = value;
            }
        }

        CniRequest request = call.Run().Request!;
        Assert.Equal(("", 0), (request.NetNs, request.PluginPath.Length));
        Assert.Equal((0, ""), (call.ExitCode, call.Stdout));
    }

    [Theory]
    [InlineData("ADD", CniCommand.Add)]
    [InlineData("CHECK", CniCommand.Check)]
    [InlineData("DEL", CniCommand.Delete)]
    public void The_plugin_gets_all_of_it(string command, CniCommand expected)
    {
        CniRequest request = Call.Of(command, Call.Config.Replace("}", ",\"prevResult\":{}}", StringComparison.Ordinal)).Run().Request!;
        Assert.Equal(expected, request.Command);
        Assert.Equal(("c0ffee", "/run/netns/pod", "net1"), (request.ContainerId, request.NetNs, request.IfName));
        Assert.Equal(["/opt/cni/bin", "/usr/lib/cni"], request.PluginPath.ToArray());
        Assert.Equal((CniVersion.V100, "net"), (request.Version, request.NetworkName));
        Assert.Equal("egress-router", request.Config.GetProperty("type").GetString());
        Assert.Equal("{}", request.PrevResult!.Value.GetRawText());
        Assert.Empty(request.Args);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Without_a_command_it_says_what_it_is(string? command)
    {
        var call = new Call();
        call.Environment.Remove("CNI_COMMAND");
        if (command is not null)
        {
            call.Environment["CNI_COMMAND"] = command;
        }

        call.Run();
        Assert.Equal((0, ""), (call.ExitCode, call.Stdout));
        Assert.Equal(
            $"test 0.0: CNI plugin test v0{System.Environment.NewLine}"
            + $"CNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0{System.Environment.NewLine}",
            call.Stderr);
    }

    [Theory]
    [InlineData("add")]
    [InlineData("ADD ")]
    [InlineData("UPDATE")]
    [InlineData("\n")]
    public void Another_command_is_unknown(string command)
    {
        JsonElement error = Call.Of(command).RunToError(CniErrorCode.InvalidEnvironment);
        Assert.Equal(
            $"unknown CNI_COMMAND: {command.Replace("\n", "\\n", StringComparison.Ordinal)}", error.GetProperty("msg").GetString());
    }

    [Theory]
    [InlineData("a")]
    [InlineData("0")]
    [InlineData("a_.-Z9")]
    public void A_container_id(string id)
    {
        var call = new Call { Environment = { ["CNI_CONTAINERID"] = id } };
        Assert.Equal(id, call.Run().Request!.ContainerId);
    }

    [Theory]
    [InlineData("_a")]
    [InlineData("-a")]
    [InlineData(".")]
    [InlineData("../../etc")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("a\n")]
    [InlineData("é")]
    [InlineData("aé")]
    public void Not_a_container_id(string id)
    {
        var call = new Call { Environment = { ["CNI_CONTAINERID"] = id } };
        Assert.Contains(
            "CNI_CONTAINERID", call.RunToError(CniErrorCode.InvalidEnvironment).GetProperty("msg").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("n")]
    [InlineData("fifteen-bytes-x")]
    [InlineData("näm-7")]
    [InlineData("...")]
    public void An_interface_name(string name)
    {
        var call = new Call { Environment = { ["CNI_IFNAME"] = name } };
        Assert.Equal(name, call.Run().Request!.IfName);
    }

    [Theory]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("all")]
    [InlineData("default")]
    [InlineData("sixteen-bytes-xx")]
    [InlineData("ääääääää")]
    [InlineData("a/b")]
    [InlineData("a:1")]
    [InlineData("net%d")]
    [InlineData("a b")]
    [InlineData("a\tb")]
    [InlineData("a\u00a0b")]
    [InlineData("a\u0001")]
    [InlineData("a\u007f")]
    [InlineData("a\ufffd")]
    public void Not_an_interface_name(string name)
    {
        var call = new Call { Environment = { ["CNI_IFNAME"] = name } };
        Assert.Contains(
            "CNI_IFNAME", call.RunToError(CniErrorCode.InvalidEnvironment).GetProperty("msg").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Both_bad_names_are_told()
    {
        var call = new Call { Environment = { ["CNI_CONTAINERID"] = "/", ["CNI_IFNAME"] = "/" } };
        string message = call.RunToError(CniErrorCode.InvalidEnvironment).GetProperty("msg").GetString()!;
        Assert.Contains("CNI_CONTAINERID", message, StringComparison.Ordinal);
        Assert.Contains("CNI_IFNAME", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bad_value_is_not_repeated_at_length()
    {
        var call = new Call { Environment = { ["CNI_CONTAINERID"] = "/" + new string('x', 100_000) } };
        call.RunToError(CniErrorCode.InvalidEnvironment);
        Assert.InRange(call.Stdout.Length, 1, 400);
    }

    [Theory]
    [InlineData("A=b", "A=b")]
    [InlineData("IgnoreUnknown=true;K8S_POD_NAME=p;IP=192.0.2.1,192.0.2.2", "IgnoreUnknown=true|K8S_POD_NAME=p|IP=192.0.2.1,192.0.2.2")]
    [InlineData("A=", "A=")]
    [InlineData("A=b=c", "A=b=c")]
    [InlineData("A=1;A=2", "A=1|A=2")]
    [InlineData("", "")]
    public void Arguments(string text, string expected)
    {
        var call = new Call { Environment = { ["CNI_ARGS"] = text } };
        Assert.Equal(expected, string.Join('|', call.Run().Request!.Args.Select(pair => $"{pair.Key}={pair.Value}")));
    }

    [Theory]
    [InlineData("hunter2", 1)]
    [InlineData("A=b;hunter2", 2)]
    [InlineData("A=b;=hunter2;C=d", 2)]
    [InlineData("hunter2=x;", 2)]
    [InlineData(";", 1)]
    public void A_bad_argument_is_named_by_number_and_not_repeated(string text, int number)
    {
        var call = new Call { Environment = { ["CNI_ARGS"] = text } };
        string message = call.RunToError(CniErrorCode.InvalidEnvironment).GetProperty("msg").GetString()!;
        Assert.Contains($"CNI_ARGS: pair {number} of", message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", call.Stdout, StringComparison.Ordinal);
    }

    [Fact]
    public void A_delete_does_not_mind_bad_arguments()
    {
        Call call = Call.Of("DEL");
        call.Environment["CNI_ARGS"] = "A=b;nonsense;C=d";
        Assert.Equal(["A", "C"], call.Run().Request!.Args.Select(pair => pair.Key));
        Assert.Equal(0, call.ExitCode);
    }
}
