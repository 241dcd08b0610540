using System.Text;
using System.Text.Json;

namespace Cni.Tests;

public class StdinTests
{
    private const string Secret = "hunter2";

    private static readonly string _head = """{"cniVersion":"1.0.0","name":"net",""";

    public static TheoryData<string, string> Broken => new()
    {
        { "", "it is empty" },
        { " \r\n\t", "it is empty" },
        { "[]", "it is not an object" },
        { "null", "it is not an object" },
        { "\"hunter2\"", "it is not an object" },
        { "7", "it is not an object" },
        { "{", "not valid JSON at line 1, byte 2" },
        { "{} {}", "not valid JSON at line 1, byte 4" },
        { Call.Config + "hunter2", "not valid JSON at line 1" },
        { Call.Config + "\0", "not valid JSON at line 1" },
        { _head + "\"a\": hunter2}", "not valid JSON at line 1, byte 41" },
        { _head + "\n\"a\": thunter2}", "not valid JSON at line 2, byte 7" },
        { _head + "\"a\": 'hunter2'}", "not valid JSON at line 1, byte 41" },
        { _head + "\"a\": 1,}", "not valid JSON at line 1" },
        { _head + "/* hunter2 */ \"a\": 1}", "not valid JSON at line 1" },
        { _head + "// hunter2\n\"a\": 1}", "not valid JSON at line 1" },
        { _head + "\"a\": \"hunter2\0\"}", "not valid JSON at line 1" },
        { _head + "\"a\": \"hunter2\n\"}", "not valid JSON at line 1" },
        { _head + "\"a\": 01}", "not valid JSON at line 1" },
        { _head + "\"a\": NaN}", "not valid JSON at line 1" },
        { "\ufeff" + Call.Config, "it starts with a byte order mark" },
        { _head + "\"name\":\"hunter2\"}", "duplicate member \"name\" at line 1, byte 36" },
        { _head + "\"n\\u0061me\":\"hunter2\"}", "duplicate member \"name\" at line 1, byte 36" },
        { _head + "\"a\":[{},{\"b\":1,\n \"b\":2}]}", "duplicate member \"b\" at line 2, byte 2" },
        { _head + "\"a\":\"hunter2 \\ud800\"}", "half a surrogate pair at line 1, byte 40" },
        { _head + "\"a\":\"hunter2 \\udc00\\ud800\"}", "half a surrogate pair" },
        { _head + "\"hunter\\ud800\":1}", "half a surrogate pair" },
        { "{\"name\":\"\\ud83d\"}", "half a surrogate pair" },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void What_cannot_be_decoded_is_told_with_its_place_and_without_its_text(string text, string reason)
    {
        Call call = Call.Of("ADD", text);
        string message = call.RunToError(CniErrorCode.DecodingFailure).GetProperty("msg").GetString()!;
        Assert.StartsWith("cannot decode the network configuration on stdin: ", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, call.Stdout, StringComparison.Ordinal);
    }

    /// <summary>ADD refused this configuration, and the runtime calls DEL until it succeeds.</summary>
    [Theory]
    [MemberData(nameof(Broken))]
    public void What_cannot_be_decoded_keeps_no_container_from_being_deleted(string text, string reason)
    {
        Call call = Call.Of("DEL", text).Run();
        Assert.Equal((0, ""), (call.ExitCode, call.Stdout));
        CniRequest request = call.Request!;
        Assert.Equal(("c0ffee", "net1", "", JsonValueKind.Undefined),
            (request.ContainerId, request.IfName, request.NetworkName, request.Config.ValueKind));
        Assert.Equal("DEL container c0ffee interface net1", request.ToString());
        Assert.Equal(CniErrorCode.DecodingFailure, request.ConfigError!.Code);
        Assert.Contains(reason, request.ConfigError.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, request.ConfigError.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ADD")]
    [InlineData("CHECK")]
    [InlineData("STATUS")]
    [InlineData("GC")]
    public void No_command_but_VERSION_and_DEL_does_without_a_configuration(string command) =>
        Call.Of(command, "").RunToError(CniErrorCode.DecodingFailure);

    [Theory]
    [InlineData(new byte[] { 0xff })]
    [InlineData(new byte[] { 0xc0, 0x80 })]
    [InlineData(new byte[] { 0xed, 0xa0, 0x80 })]
    [InlineData(new byte[] { 0xf5, 0x80, 0x80, 0x80 })]
    [InlineData(new byte[] { 0xe2, 0x82 })]
    public void What_is_not_utf8_is_refused(byte[] wrong)
    {
        var call = new Call { Stdin = [.. "{\"name\":\""u8, .. wrong, .. "\"}"u8] };
        string message = call.RunToError(CniErrorCode.DecodingFailure).GetProperty("msg").GetString()!;
        Assert.EndsWith("byte 10 is not UTF-8", message, StringComparison.Ordinal);
        call = Call.Of("DEL");
        call.Stdin = [.. "{\"name\":\""u8, .. wrong, .. "\"}"u8];
        Assert.Equal(message, call.Run().Request!.ConfigError!.Message);
    }

    [Fact]
    public void Thirty_two_levels_are_read_and_one_more_is_not()
    {
        static string Nested(int levels) => _head + "\"a\":" + new string('[', levels - 1) + new string(']', levels - 1) + "}";

        Assert.NotNull(Call.Of("ADD", Nested(32)).Run().Request);
        foreach (int levels in new[] { 33, 34, 400_000 })
        {
            JsonElement error = Call.Of("ADD", Nested(levels)).RunToError(CniErrorCode.DecodingFailure);
            Assert.Contains(
                "nested deeper than 32 levels at line 1, byte 7", error.GetProperty("msg").GetString(), StringComparison.Ordinal);
            Assert.Equal(error.GetProperty("msg").GetString(), Call.Of("DEL", Nested(levels)).Run().Request!.ConfigError!.Message);
        }
    }

    [Fact]
    public void A_mebibyte_is_read_and_one_byte_more_is_not()
    {
        static string Long(int bytes) => Call.Config + new string(' ', bytes - Call.Config.Length);

        Assert.NotNull(Call.Of("ADD", Long(1 << 20)).Run().Request);
        JsonElement error = Call.Of("ADD", Long((1 << 20) + 1)).RunToError(CniErrorCode.DecodingFailure);
        Assert.EndsWith("it is longer than 1048576 bytes", error.GetProperty("msg").GetString(), StringComparison.Ordinal);
        Assert.EndsWith(
            "it is longer than 1048576 bytes", Call.Of("DEL", Long((1 << 20) + 1)).Run().Request!.ConfigError!.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Reading_stops_where_it_is_too_long()
    {
        using var endless = new EndlessStream();
        Assert.Equal(1, new Call().Run(endless).ExitCode);
        Assert.InRange(endless.Sent, 1 << 20, (1 << 20) + 1);
    }

    [Fact]
    public void A_configuration_may_come_in_pieces()
    {
        using var pieces = new PiecewiseStream(Encoding.UTF8.GetBytes(Call.Config));
        Assert.Equal("net", new Call().Run(pieces).Request!.NetworkName);
    }

    [Fact]
    public void A_broken_pipe_is_an_input_error()
    {
        foreach (string command in new[] { "ADD", "DEL" })
        {
            // DEL fails too: the next DEL may be able to read the configuration.
            using var broken = new BrokenStream();
            Call call = Call.Of(command).Run(broken);
            Assert.Equal(1, call.ExitCode);
            Assert.Equal(5, call.OneObject().GetProperty("code").GetInt32());
        }
    }

    [Fact]
    public void Escapes_that_are_in_order_are_read()
    {
        CniRequest request = Call.Of("ADD", _head + """ "a":"\ud83d\ude00\u0000","b":{"b":[1,{"b":"\u00e9"}]},"c":{"d":1},"d":"A\\u"}""").Run().Request!;
        Assert.Equal("\U0001F600\0", request.Config.GetProperty("a").GetString());
        Assert.Equal("A\\u", request.Config.GetProperty("d").GetString());
        Assert.Equal("é", request.Config.GetProperty("b").GetProperty("b")[1].GetProperty("b").GetString());
    }

    [Theory]
    [InlineData("{}", "missing network name")]
    [InlineData("""{"name":""}""", "invalid network name")]
    [InlineData("""{"name":7}""", "invalid network name")]
    [InlineData("""{"name":null}""", "invalid network name")]
    [InlineData("""{"name":"../hunter2"}""", "invalid network name")]
    [InlineData("""{"name":"-hunter2"}""", "invalid network name")]
    public void A_network_has_a_name_for_every_command_but_DEL(string config, string reason)
    {
        Call call = Call.Of("ADD", config);
        JsonElement error = call.RunToError(CniErrorCode.InvalidConfig);
        Assert.StartsWith(reason, error.GetProperty("msg").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, call.Stdout, StringComparison.Ordinal);

        call = Call.Of("DEL", config).Run();
        Assert.Equal((0, ""), (call.ExitCode, call.Stdout));
        Assert.Equal(("", CniErrorCode.InvalidConfig), (call.Request!.NetworkName, call.Request.ConfigError!.Code));
        Assert.StartsWith(reason, call.Request.ConfigError.Message, StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Object, call.Request.Config.ValueKind);
    }

    [Theory]
    [InlineData("7")]
    [InlineData("[]")]
    [InlineData("\"hunter2\"")]
    [InlineData("false")]
    public void A_previous_result_is_an_object_and_does_not_matter_to_delete(string value)
    {
        string config = _head + $"\"prevResult\":{value}}}";
        foreach (string command in new[] { "ADD", "CHECK" })
        {
            Call call = Call.Of(command, config);
            Assert.Equal("prevResult is not an object", call.RunToError(CniErrorCode.InvalidConfig).GetProperty("msg").GetString());
        }

        Call delete = Call.Of("DEL", config).Run();
        Assert.Null(delete.Request!.PrevResult);
        Assert.Equal((0, ""), (delete.ExitCode, delete.Stdout));
    }

    [Theory]
    [InlineData("ADD")]
    [InlineData("CHECK")]
    [InlineData("DEL")]
    public void The_previous_result_reaches_the_plugin(string command)
    {
        CniRequest request = Call.Of(command, _head + """ "prevResult":{"ips":[]}}""").Run().Request!;
        Assert.Equal(JsonValueKind.Array, request.PrevResult!.Value.GetProperty("ips").ValueKind);
    }

    /// <summary>CNI specification, "CHECK": only ADD's result tells which state is expected.</summary>
    [Fact]
    public void CHECK_needs_the_previous_result_and_the_others_do_not()
    {
        foreach (string rest in new[] { """ "prevResult":null}""", """ "x":1}""" })
        {
            Assert.Null(Call.Of("ADD", _head + rest).Run().Request!.PrevResult);
            Assert.Null(Call.Of("DEL", _head + rest).Run().Request!.PrevResult);
            Assert.Equal(
                "prevResult is missing",
                Call.Of("CHECK", _head + rest).RunToError(CniErrorCode.InvalidConfig).GetProperty("msg").GetString());
        }
    }

    private sealed class EndlessStream : MemoryStream
    {
        public long Sent { get; private set; }

        public override int Read(byte[] buffer, int offset, int count)
        {
            buffer.AsSpan(offset, count).Fill((byte)' ');
            Sent += count;
            return count;
        }
    }

    private sealed class PiecewiseStream(byte[] text) : MemoryStream(text)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, 1));
    }

    private sealed class BrokenStream : MemoryStream
    {
        public override int Read(byte[] buffer, int offset, int count) => throw new IOException("Input/output error");
    }
}
