using System.Diagnostics;
using System.IO.Pipes;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Cni.Tests;

/// <summary>A peer that neither writes nor reads a pipe; the system tests use the executable's own descriptors.</summary>
public sealed class StandardStreamTests : IDisposable
{
    private static readonly TimeSpan _short = TimeSpan.FromMilliseconds(300);

    private readonly AnonymousPipeServerStream _writer = new(PipeDirection.Out);
    private readonly SafePipeHandle _reader;

    public StandardStreamTests() => _reader = _writer.ClientSafePipeHandle;

    public void Dispose() => _writer.Dispose();

    [Fact]
    public void All_is_read_up_to_the_end()
    {
        _writer.Write("one"u8);
        using StandardStream stream = Reader();
        var text = new byte[10];
        Assert.Equal("one", Encoding.UTF8.GetString(text, 0, stream.Read(text, 0, 10)));
        _writer.Dispose();
        Assert.Equal(0, stream.Read(text, 0, 10));
    }

    [Fact]
    public void Who_never_closes_the_pipe_is_waited_for_so_long_and_no_longer()
    {
        _writer.Write("{"u8);
        var watch = Stopwatch.StartNew();
        CniException error = Assert.Throws<CniException>(() => StrictJson.Read(Reader()));
        Assert.Equal(CniErrorCode.IoFailure, error.Code);
        Assert.Equal("cannot read the network configuration from stdin: its end has not come for 0.3 s", error.Message);
        Assert.InRange(watch.ElapsedMilliseconds, 290, 5000);
    }

    /// <summary>Single bytes do not extend the wait: the limit is for all waits together.</summary>
    [Fact]
    public async Task Who_sends_a_byte_now_and_then_is_not_waited_for_longer()
    {
        using var end = new CancellationTokenSource();
        Task drip = Task.Run(async () =>
        {
            while (!end.IsCancellationRequested)
            {
                _writer.Write(" "u8);
                await Task.Delay(50);
            }
        });
        await Assert.ThrowsAsync<CniException>(() => Task.Run(() => StrictJson.Read(Reader()))).WaitAsync(TimeSpan.FromSeconds(10));
        await end.CancelAsync();
        await drip;
    }

    /// <summary>DEL tolerates an invalid configuration, but a missing one may still be valid.</summary>
    [Theory]
    [InlineData("ADD")]
    [InlineData("DEL")]
    [InlineData("VERSION")]
    public void What_does_not_come_is_an_error_of_every_command(string command)
    {
        Call call = Call.Of(command).Run(stdin: Reader());
        Assert.Equal((1, 5), (call.ExitCode, call.OneObject().GetProperty("code").GetInt32()));
        Assert.Null(call.Request);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(1_000_000)]
    public async Task All_is_written_whatever_fits_into_the_pipe(int length)
    {
        byte[] sent = [.. Enumerable.Range(0, length).Select(i => (byte)i)];
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        Task<byte[]> received = Task.Run(() =>
        {
            var all = new byte[length];
            pipe.ReadExactly(all);
            return all;
        });
        using StandardStream stream = Writer(pipe, TimeSpan.FromSeconds(30));
        stream.Write(sent);
        Assert.Equal(sent, await received);
    }

    [Theory]
    [InlineData(3_000)]
    [InlineData(1_000_000)]
    public void A_full_pipe_that_nobody_reads_is_waited_for_so_long_and_no_longer(int length)
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        using StandardStream stream = Writer(pipe);
        var watch = Stopwatch.StartNew();
        IOException error = Assert.Throws<IOException>(() =>
        {
            for (int sent = 0; sent < 1_000_000; sent += length)
            {
                stream.Write(new byte[length]);
            }
        });
        Assert.Equal("nobody has read what was written for 0.3 s", error.Message);
        Assert.InRange(watch.ElapsedMilliseconds, 290, 5000);
    }

    /// <summary>Console's stream ignores the error: an ADD whose result nobody received would be a success.</summary>
    [Fact]
    public void A_pipe_that_nobody_reads_any_more_is_an_error()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        using StandardStream stream = Writer(pipe);
        pipe.Dispose();
        Assert.Equal("Broken pipe", Assert.Throws<IOException>(() => stream.Write("x"u8)).Message);
    }

    [Fact]
    public void What_is_added_is_deleted_when_nobody_reads_the_result()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.In);
        using StandardStream stdout = Writer(pipe);
        Assert.Throws<IOException>(() => stdout.Write(new byte[1_000_000]));
        var commands = new List<CniCommand>();
        Call call = Call.Of("ADD");
        call.Work = request => commands.Add(request.Command);
        Assert.Throws<IOException>(() => call.Run(stdout: stdout));
        Assert.Equal([CniCommand.Add, CniCommand.Delete], commands);
    }

    [Fact]
    public void A_closed_descriptor_is_told_at_once()
    {
        using var stream = new StandardStream(1_000_000, TimeSpan.FromMinutes(1));
        Assert.False(StandardStream.IsOpen(1_000_000));
        Assert.Equal("it is closed", Assert.Throws<IOException>(() => stream.Read(new byte[1], 0, 1)).Message);
        Assert.Equal("it is closed", Assert.Throws<IOException>(() => stream.Write("x"u8)).Message);
    }

    private StandardStream Reader() => new((int)_reader.DangerousGetHandle(), _short);

    private static StandardStream Writer(AnonymousPipeServerStream pipe, TimeSpan? limit = null) =>
        new((int)pipe.ClientSafePipeHandle.DangerousGetHandle(), limit ?? _short);
}
