using System.Text;
using EgressOperator.Heartbeats;
using EgressOperator.Hold;

namespace EgressOperator.Tests.Hold;

/// <summary>Only a whole datagram of somebody with the key is a message.</summary>
public class PairMessageTests
{
    private static readonly byte[] _key = Encoding.ASCII.GetBytes("0123456789abcdef");

    private static readonly PairMessage _message = new(
        "er-a", long.MinValue, long.MaxValue, EchoProcess: -1, Echo: 7, Asks: true, Promises: true, IsAble: true, IsHolding: true,
        HasLease: true, LeaseSeconds: 10, ServerAnswers: true);

    private static readonly byte[] _datagram = _message.Write(_key);

    [Fact]
    public void A_message_is_read_as_it_was_written()
    {
        Assert.Equal(_message, PairMessage.Read(_datagram, _key));
        Assert.InRange(new PairMessage(
            new string('a', 253), long.MinValue, long.MinValue, long.MinValue, long.MinValue, false, false, false, false, false,
            double.MinValue, false).Write(_key).Length, 1, PairMessage.MaxLength);
    }

    [Fact]
    public void Another_key_is_none()
    {
        Assert.Null(PairMessage.Read(_message.Write([.. _key, 0x31]), _key));
        Assert.Null(PairMessage.Read(_message.Write([.. _key[..^1], 0x31]), _key));
        Assert.Null(PairMessage.Read(SignedBytes.Write(null, _datagram[SignedBytes.MacLength..]), _key));
    }

    [Fact]
    public void A_truncated_one_is_none()
    {
        for (int length = 0; length < _datagram.Length; length++)
        {
            Assert.Null(PairMessage.Read(_datagram.AsSpan(0, length), _key));
        }
    }

    [Fact]
    public void One_with_any_bit_changed_is_none()
    {
        for (int bit = 0; bit < _datagram.Length * 8; bit++)
        {
            byte[] changed = [.. _datagram];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Null(PairMessage.Read(changed, _key));
        }
    }

    [Theory]
    [InlineData(PairMessage.MaxLength, true)]
    [InlineData(PairMessage.MaxLength + 1, false)]
    [InlineData(65_507, false)]
    public void A_huge_one_is_none(int length, bool isRead)
    {
        string json = Encoding.UTF8.GetString(_datagram.AsSpan(SignedBytes.MacLength));
        byte[] padded = SignedBytes.Write(_key, Encoding.UTF8.GetBytes(json.PadRight(length - SignedBytes.MacLength)));
        Assert.Equal(length, padded.Length);
        Assert.Equal(isRead ? _message : null, PairMessage.Read(padded, _key));
    }

    /// <summary>Of somebody with the key, for example of another version.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"pod\":null")]
    [InlineData("promises")]
    [InlineData("\u0000")]
    public void What_is_no_message_is_none(string content) =>
        Assert.Null(PairMessage.Read(SignedBytes.Write(_key, Encoding.UTF8.GetBytes(content)), _key));

    [Theory]
    [InlineData("\"pod\":\"er-a\",", "")]
    [InlineData("\"pod\":\"er-a\",", "\"pod\":null,")]
    [InlineData("\"promises\":true,", "")]
    [InlineData("\"promises\":true,", "\"promises\":1,")]
    [InlineData("\"echo\":7,", "\"echo\":9223372036854775808,")]
    [InlineData("\"echo\":7,", "\"echo\":7.5,")]
    public void One_with_a_wrong_value_is_none(string value, string wrong)
    {
        string json = Encoding.UTF8.GetString(_datagram.AsSpan(SignedBytes.MacLength));
        Assert.Contains(value, json, StringComparison.Ordinal);
        string changed = json.Replace(value, wrong, StringComparison.Ordinal);
        Assert.Null(PairMessage.Read(SignedBytes.Write(_key, Encoding.UTF8.GetBytes(changed)), _key));
    }
}
