using static Netlink.Tests.ScriptedTransport;

namespace Netlink.Tests;

/// <summary>The socket against a kernel that loses, repeats, reorders and falsifies messages.</summary>
public class SocketTests
{
    private const ushort Object = 16;

    [Fact]
    public void An_acknowledged_batch_is_done()
    {
        Execute(2, Messages(Error(0, -1), Error(0)));
        Execute(2, Messages(Error(0, -1)), Messages(Error(0)));
    }

    [Fact]
    public void The_first_failure_is_told_with_its_operation_and_the_others_are_waited_for()
    {
        var transport = new ScriptedTransport(Messages(Error(0, -2)), Messages(Error(Errno.EEXIST, -1)), Messages(Error(Errno.ENODEV)));
        NetlinkException failure = Assert.Throws<NetlinkException>(() => new NetlinkSocket(transport).Execute(Batch(3)));
        Assert.Equal("operation 1: File exists (EEXIST)", failure.Message);
        Assert.Equal(0, transport.Left);
    }

    [Fact]
    public void All_failures_of_a_batch_can_be_had()
    {
        var socket = new NetlinkSocket(new ScriptedTransport(Messages(Error(Errno.EEXIST, -1), Error(Errno.ENODEV))));
        Assert.Equal([Errno.EEXIST, Errno.ENODEV], socket.TryExecute(Batch(2)).Select(failure => failure.Error.Number));
    }

    [Fact]
    public void Late_answers_and_those_to_nothing_are_skipped() => Execute(
        1,
        Messages(Error(Errno.EPERM, -5)),
        Messages(Error(Errno.EPERM, 3)),
        Messages(Message(Object, new byte[16])),
        Messages(Error(0)));

    [Fact]
    public void A_signal_is_no_error()
    {
        var transport = new ScriptedTransport(ScriptedTransport.Errno(Errno.EINTR), Messages(Error(0))) { SendErrors = 2 };
        new NetlinkSocket(transport).Execute(Batch(1));
        Assert.Equal(1, transport.Sends);
    }

    [Fact]
    public void A_kernel_that_does_not_answer_is_not_waited_for()
    {
        NetlinkException failure = Fails(1, ScriptedTransport.Errno(Errno.EAGAIN));
        Assert.Equal("operation 0: the kernel did not answer (EAGAIN)", failure.Message);
    }

    [Fact]
    public void Half_of_the_acknowledgements_is_not_success() => Assert.Equal(Errno.EAGAIN, Fails(2, Messages(Error(0))).Number);

    [Fact]
    public void The_same_acknowledgement_twice_is_not_success() =>
        Assert.Equal(Errno.EAGAIN, Fails(2, Messages(Error(0)), Messages(Error(0))).Number);

    [Fact]
    public void A_long_batch_goes_in_several_sends()
    {
        var transport = new ScriptedTransport(
            [.. Enumerable.Range(0, 100).Select(i => Messages(Error(0, i - 99))), Messages(Error(0, -1)), Messages(Error(Errno.EPERM))]);
        RefusedRequest failure = Assert.Single(new NetlinkSocket(transport).TryExecute(Batch(102)));
        Assert.Equal(("operation 101", "operation 101", 2), (failure.Operation, failure.Error.Operation, transport.Sends));
    }

    [Fact]
    public void Questions_are_answered_each_by_its_own_message()
    {
        var seen = new List<string>();
        NetlinkRequest first = Ask(NetlinkRequest.Get("first", [Errno.ENODEV], message => seen.Add($"first {message.Payload[0]}")));
        NetlinkRequest second = Ask(NetlinkRequest.Get("second", [Errno.ENODEV], message => seen.Add($"second {message.Payload[0]}")));
        NetlinkRequest list = Ask(NetlinkRequest.Dump("list", seen.Clear, Kept(message => seen.Add($"list {message.Payload[0]}"))));
        var transport = new ScriptedTransport(
            Messages(Message(Object, [7, 0, 0, 0], 0, -2)),
            Messages(Error(Errno.ENODEV, -1)),
            Messages(Item(1)),
            // The dump was interrupted: only the dump is requested again.
            Messages(Done(2 | 0x10)),
            Messages(Item(2), Done()));
        new NetlinkSocket(transport).Ask(first, second, list);
        Assert.Equal((true, false, true), (first.IsFound, second.IsFound, list.IsFound));
        Assert.Equal(["list 2"], seen);
        Assert.Equal(2, transport.Sends);
    }

    [Fact]
    public void Lost_acknowledgements_are_not_success() =>
        Assert.Equal(Errno.ENOBUFS, Fails(1, ScriptedTransport.Errno(Errno.ENOBUFS)).Number);

    public static TheoryData<byte[]> Malformations => new()
    {
        new byte[] { 16, 0, 0 }, // shorter than a header
        new byte[16], // a length of zero
        new byte[] { 15, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
        new byte[] { 17, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, // longer than the datagram
        new byte[] { 255, 255, 255, 255, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
        Message(2, [0, 0, 0, 0])(1), // an error message without its request
    };

    [Theory]
    [MemberData(nameof(Malformations))]
    public void A_lying_length_is_an_error(byte[] datagram) =>
        Assert.Equal(Errno.EPROTO, Fails(1, ScriptedTransport.Bytes(datagram)).Number);

    [Fact]
    public void An_answer_that_was_cut_off_is_an_error() =>
        Assert.Equal(Errno.EMSGSIZE, Fails(1, ScriptedTransport.Bytes(new byte[70_000])).Number);

    [Fact]
    public void A_dump_ends_with_DONE() => Assert.Equal([1, 2, 3], Dump(
        Messages(Item(1), Item(2)), Messages(Item(3), Done())));

    [Fact]
    public void A_dump_that_changed_while_it_was_read_is_read_again() => Assert.Equal([2], Dump(
        Messages(Item(1, 2 | 0x10)), Messages(Done()), Messages(Item(2), Done())));

    [Fact]
    public void A_dump_whose_last_message_says_that_it_changed_is_read_again() => Assert.Equal([2], Dump(
        Messages(Item(1), Done(2 | 0x10)), Messages(Item(2), Done())));

    [Fact]
    public void A_dump_that_overran_the_buffer_is_read_again() => Assert.Equal([2], Dump(
        Messages(Item(1)), ScriptedTransport.Errno(Errno.ENOBUFS), Messages(Item(3), Done()), Messages(Item(9, sequenceOffset: -1)),
        Messages(Item(2), Done())));

    [Fact]
    public void A_dump_that_always_changes_is_given_up()
    {
        NetlinkException failure = Assert.Throws<NetlinkException>(() => Dump(
            [.. Enumerable.Repeat(Messages(Item(1), Done(2 | 0x10)), 50)]));
        Assert.Equal("list: the list changed during each of 10 attempts to read it (EINTR)", failure.Message);
    }

    [Fact]
    public void A_dump_that_fails_at_once_or_at_its_end_is_an_error()
    {
        Assert.Equal(Errno.EPERM, Assert.Throws<NetlinkException>(() => Dump(Messages(Error(Errno.EPERM)))).Number);
        Assert.Equal(Errno.ENOMEM, Assert.Throws<NetlinkException>(() => Dump(
            Messages(Item(1), Message(3, BitConverter.GetBytes(-Errno.ENOMEM), 2)))).Number);
    }

    [Fact]
    public void An_object_that_is_not_there_is_no_error_if_the_caller_says_so()
    {
        Assert.False(Get(Errno.ENODEV, Messages(Error(Errno.ENODEV))));
        Assert.True(Get(Errno.ENODEV, Messages(Message(Object, [7, 0, 0, 0]))));
        Assert.Throws<NetlinkException>(() => Get(Errno.ENODEV, Messages(Error(Errno.EPERM))));
        Assert.Throws<NetlinkException>(() => Get(Errno.ENODEV, Messages(Error(0))));
    }

    [Fact]
    public void An_atomic_batch_is_done_when_its_last_message_is_acknowledged()
    {
        var transport = new ScriptedTransport(Messages(Error(0, -1)));
        new NetlinkSocket(transport).ExecuteAtomically(Batch(4));
        Assert.Equal(64, transport.ReservedSendBuffer);
    }

    [Fact]
    public void An_atomic_batch_fails_with_its_first_failure()
    {
        var socket = new NetlinkSocket(new ScriptedTransport(Messages(Error(Errno.EINVAL, -2)), Messages(Error(0, -1))));
        Assert.Equal(
            "operation 1: Invalid argument (EINVAL)", Assert.Throws<NetlinkException>(() => socket.ExecuteAtomically(Batch(4))).Message);
    }

    [Fact]
    public void An_atomic_batch_that_is_refused_as_a_whole_is_not_waited_for()
    {
        var socket = new NetlinkSocket(new ScriptedTransport(Messages(Error(Errno.EPERM, -3))));
        Assert.Equal(Errno.EPERM, Assert.Throws<NetlinkException>(() => socket.ExecuteAtomically(Batch(4))).Number);
    }

    private static Func<uint, byte[]> Item(byte value, ushort flags = 2, int sequenceOffset = 0) =>
        Message(Object, [value, 0, 0, 0], flags, sequenceOffset);

    private static RequestBatch Batch(int count)
    {
        var batch = new RequestBatch();
        for (int i = 0; i < count; i++)
        {
            batch.Begin($"operation {i}", Object, 0);
            batch.Writer.EndMessage();
        }

        return batch;
    }

    private static NetlinkRequest Ask(NetlinkRequest question)
    {
        question.Request.BeginMessage(18, 0);
        question.Request.EndMessage();
        return question;
    }

    private static void Execute(int count, params Answer[] script)
    {
        var transport = new ScriptedTransport(script);
        new NetlinkSocket(transport).Execute(Batch(count));
        Assert.Equal(0, transport.Left);
    }

    private static NetlinkException Fails(int count, params Answer[] script) =>
        Assert.Throws<NetlinkException>(() => new NetlinkSocket(new ScriptedTransport(script)).Execute(Batch(count)));

    private static List<byte> Dump(params Answer[] script)
    {
        var items = new List<byte>();
        new NetlinkSocket(new ScriptedTransport(script)).Ask(
            Ask(NetlinkRequest.Dump("list", items.Clear, Kept(message => items.Add(message.Payload[0])))));
        return items;
    }

    private static bool Get(int absent, params Answer[] script)
    {
        NetlinkRequest question = Ask(NetlinkRequest.Get("get", [absent], _ => { }));
        new NetlinkSocket(new ScriptedTransport(script)).Ask(question);
        return question.IsFound;
    }
}
