using System.IO.Pipes;

namespace EgressRouterCni.Tests;

/// <summary>Waiting for the other end of standard input and output has an end.</summary>
public class StandardStreamTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromMilliseconds(300);

    [Fact]
    public void What_is_never_closed_is_given_up()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        using var stream = new StandardStream(Number(pipe.SafePipeHandle), _limit);
        byte[] buffer = new byte[10];
        IOException error = Assert.Throws<IOException>(() => stream.Read(buffer));
        Assert.Equal("its other end has neither written nor closed it for 0.3 s", error.Message);
    }

    /// <summary>All waiting counts: a byte now and then does not prolong it.</summary>
    [Fact]
    public void Who_writes_a_byte_at_a_time_is_given_up_too()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        using var writer = new AnonymousPipeClientStream(PipeDirection.Out, pipe.ClientSafePipeHandle);
        using var stream = new StandardStream(Number(pipe.SafePipeHandle), _limit);
        byte[] buffer = new byte[10];
        int read = 0;
        Assert.Throws<IOException>(() =>
        {
            while (read < 1000)
            {
                writer.WriteByte(1);
                read += stream.Read(buffer);
                Thread.Sleep(20);
            }
        });
        Assert.InRange(read, 1, 20);
    }

    [Fact]
    public void What_nobody_reads_is_given_up_when_the_pipe_is_full()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        using var stream = new StandardStream(Number(pipe.SafePipeHandle), _limit);
        IOException error = Assert.Throws<IOException>(() => stream.Write(new byte[1024 * 1024]));
        Assert.Equal("nobody has read it for 0.3 s", error.Message);
    }

    [Fact]
    public async Task What_is_read_in_time_is_all_there()
    {
        byte[] sent = [.. Enumerable.Range(0, 300_000).Select(i => (byte)i)];
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        using var reader = new AnonymousPipeClientStream(PipeDirection.In, pipe.ClientSafePipeHandle);
        var received = new MemoryStream();
        Task reading = Task.Run(() => reader.CopyTo(received));
        using (var stream = new StandardStream(Number(pipe.SafePipeHandle), TimeSpan.FromSeconds(30)))
        {
            stream.Write(sent);
        }

        pipe.Dispose();
        await reading.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(sent, received.ToArray());
    }

    [Fact]
    public void A_closed_pipe_is_an_error()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        pipe.ClientSafePipeHandle.Dispose();
        using var stream = new StandardStream(Number(pipe.SafePipeHandle), _limit);
        Assert.Throws<IOException>(() => stream.Write([1]));
    }

    private static int Number(System.Runtime.InteropServices.SafeHandle handle) => (int)handle.DangerousGetHandle();
}
