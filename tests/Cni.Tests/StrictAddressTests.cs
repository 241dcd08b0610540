using System.Net;

namespace Cni.Tests;

/// <summary>A text that two programs could parse as different addresses is refused.</summary>
public class StrictAddressTests
{
    [Theory]
    [InlineData("192.0.2.1")]
    [InlineData("0.0.0.0")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("1::")]
    [InlineData("2001:DB8::1")]
    [InlineData("2001:0db8:0:0:0:0:0:1")]
    [InlineData("::ffff:192.0.2.1")]
    [InlineData("1:2:3:4:5:6:192.0.2.1")]
    public void Addresses_are_read_as_the_runtime_library_reads_them(string text) =>
        Assert.Equal(IPAddress.Parse(text), StrictAddress.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData(" 192.0.2.1")]
    [InlineData("192.0.2.1\0")]
    [InlineData("192.0.2.1\n")]
    [InlineData("192.0.2.01")]
    [InlineData("0xc0.0.2.1")]
    [InlineData("192.0.513")]
    [InlineData("3221225985")]
    [InlineData("192.0.2.256")]
    [InlineData("192.0.2.1.")]
    [InlineData("192.0..1")]
    [InlineData("19\u0662.0.2.1")]
    [InlineData("192.0.2.1:80")]
    [InlineData("192.0.2.1/24")]
    [InlineData(":")]
    [InlineData(":::")]
    [InlineData(":1:2:3:4:5:6:7")]
    [InlineData("1:2:3:4:5:6:7:")]
    [InlineData("1:2:3:4:5:6:7")]
    [InlineData("1:2:3:4:5:6:7:8:9")]
    [InlineData("1:2:3:4:5:6:7:8::")]
    [InlineData("1::2::3")]
    [InlineData("1::23456")]
    [InlineData("1::00001")]
    [InlineData("1::g")]
    [InlineData("1::+1")]
    [InlineData("1::1\0")]
    [InlineData("1::192.0.2.01")]
    [InlineData("1::192.513")]
    [InlineData("1::192.0.2.1:5")]
    [InlineData("1:2:3:4:5:6:7:192.0.2.1")]
    [InlineData("192.0.2.1::")]
    [InlineData("[::1]")]
    [InlineData("[::1]:80")]
    [InlineData("fe80::1%2")]
    [InlineData("::1/64")]
    public void Everything_else_is_refused(string text) => Assert.Null(StrictAddress.Parse(text));

    [Theory]
    [InlineData("0", "192.0.2.1", 0)]
    [InlineData("32", "192.0.2.1", 32)]
    [InlineData("33", "192.0.2.1", null)]
    [InlineData("128", "::1", 128)]
    [InlineData("129", "::1", null)]
    [InlineData("024", "192.0.2.1", null)]
    [InlineData("00", "192.0.2.1", null)]
    [InlineData("", "192.0.2.1", null)]
    [InlineData("+8", "192.0.2.1", null)]
    [InlineData("-0", "192.0.2.1", null)]
    [InlineData("8 ", "192.0.2.1", null)]
    [InlineData("8\0", "192.0.2.1", null)]
    [InlineData("255.255.255.0", "192.0.2.1", null)]
    public void A_prefix_length_is_a_decimal_number(string text, string address, int? expected) =>
        Assert.Equal(expected, StrictAddress.ParseLength(text, IPAddress.Parse(address)));
}
