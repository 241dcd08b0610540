using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using AgentProtocol;
using Cni;
using EgressOperator.Gate;
using Serilog;
using Shared;

namespace EgressOperator.Tests.Gate;

/// <summary>The agent's socket.</summary>
public sealed class GateListenerTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("er-gate-");

    private readonly CancellationTokenSource _end = new();

    private readonly ConcurrentQueue<PodQuestion> _asked = [];

    private string Path => System.IO.Path.Combine(_folder.FullName, "run", "agent.sock");

    public void Dispose()
    {
        _end.Cancel();
        _end.Dispose();
        _folder.Delete(recursive: true);
    }

    public static TheoryData<string, string?> Lines => new()
    {
        { """{"command":"ADD","timeout":1000,"container":"c","namespace":"prod","name":"p","uid":"u","addresses":["10.0.0.5","fd00::5"]}""", "Add c prod p u 10.0.0.5,fd00::5" },
        { """{"command":"DEL","timeout":1,"container":"c","addresses":[]}""", "Delete c    " },
        { """{"command":"STATUS","timeout":1,"addresses":[],"more":{}}""", "Status     " },
        { """{"command":"GC","timeout":1,"addresses":[]}""", null },
        { """{"command":"ADD","timeout":0,"addresses":[]}""", null },
        { """{"command":"ADD","timeout":"1","addresses":[]}""", null },
        { """{"command":"ADD","timeout":1}""", null },
        { """{"command":"ADD","timeout":1,"addresses":["10.0.0.05"]}""", null },
        { """{"command":"ADD","timeout":1,"addresses":[5]}""", null },
        { """["ADD"]""", null },
        { "ADD", null },
        { "", null },
    };

    [Theory]
    [MemberData(nameof(Lines))]
    public void A_line_is_a_question_or_none(string line, string? question)
    {
        PodQuestion? read = PodQuestion.Read(Encoding.UTF8.GetBytes(line + "\n"));
        Assert.Equal(question, read is null ? null : Text(read));
        Assert.Equal(question, read is null ? null : Text(PodQuestion.Read(read.ToLine())!));
    }

    [Theory]
    [InlineData("{}", null, "")]
    [InlineData("""{"code":11,"msg":"later"}""", 11, "later")]
    [InlineData("""{"code":11}""", 11, "")]
    public void A_line_is_an_answer(string line, int? code, string message)
    {
        var answer = PodAnswer.Read(Encoding.UTF8.GetBytes(line));
        Assert.Equal(new PodAnswer((CniErrorCode?)code, message), answer);
        Assert.Equal(answer, PodAnswer.Read(answer!.ToLine()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("yes")]
    [InlineData("""{"code":"11"}""")]
    public void A_line_is_no_answer(string line) => Assert.Null(PodAnswer.Read(Encoding.UTF8.GetBytes(line)));

    [Fact]
    public async Task Questions_are_answered_side_by_side_and_only_the_owner_may_ask()
    {
        var first = new TaskCompletionSource<PodAnswer>();
        Start((question, _) => question.Name == "slow" ? first.Task : Task.FromResult(PodAnswer.Yes));
        using Socket slow = await AskAsync(Question("slow"));
        using Socket quick = await AskAsync(Question("quick"));
        Assert.Equal(PodAnswer.Yes, await AnswerAsync(quick));
        Assert.Equal(["slow", "quick"], _asked.Select(question => question.Name));
        first.SetResult(new PodAnswer(CniErrorCode.TryAgainLater, "a \"word\""));
        Assert.Equal(new PodAnswer(CniErrorCode.TryAgainLater, "a \"word\""), await AnswerAsync(slow));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path) & ~UnixFileMode.None);
    }

    [Theory]
    [InlineData("what?\n")]
    [InlineData("""{"command":"ADD","timeout":60001,"addresses":[]}""" + "\n")]
    public async Task What_is_no_question_gets_no_answer(string line)
    {
        Start((_, _) => Task.FromResult(PodAnswer.Yes));
        using Socket client = await AskAsync(Encoding.UTF8.GetBytes(line));
        Assert.Equal(0, await client.ReceiveAsync(new byte[1]).WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Empty(_asked);
    }

    [Fact]
    public async Task The_socket_of_a_killed_agent_is_replaced()
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        using (var killed = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            killed.Bind(new UnixDomainSocketEndPoint(Path + ".bound"));
            killed.Listen();
            // Closing a socket deletes only the file by whose name it was bound.
            File.Move(Path + ".bound", Path);
        }

        Assert.True(File.Exists(Path));
        Start((_, _) => Task.FromResult(PodAnswer.Yes));
        using Socket client = await AskAsync(Question("p"));
        Assert.Equal(PodAnswer.Yes, await AnswerAsync(client));
    }

    [Fact]
    public async Task The_socket_of_a_living_agent_stays()
    {
        Start((_, _) => Task.FromResult(PodAnswer.Yes));
        using Socket before = await AskAsync(Question("before"));
        Start((_, _) => Task.FromResult(new PodAnswer(CniErrorCode.Internal, "the second agent")));
        await Task.Delay(300);
        using Socket after = await AskAsync(Question("after"));
        Assert.Equal(PodAnswer.Yes, await AnswerAsync(before));
        Assert.Equal(PodAnswer.Yes, await AnswerAsync(after));
    }

    private void Start(Func<PodQuestion, CancellationToken, Task<PodAnswer>> answer)
    {
        var listener = new GateListener(
            Path,
            (question, cancellation) =>
            {
                _asked.Enqueue(question);
                return answer(question, cancellation);
            },
            Log.Logger);
        _ = Task.Run(() => listener.RunAsync(_end.Token));
    }

    private async Task<Socket> AskAsync(byte[] line)
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        Eventually.IsTrue(() => TryConnect(client), "nobody listens", seconds: 20);
        await client.SendAsync(line);
        Eventually.Becomes(() => _asked.Any(question => question.ToLine().SequenceEqual(line)), seconds: 1);
        return client;
    }

    private bool TryConnect(Socket client)
    {
        try
        {
            client.Connect(new UnixDomainSocketEndPoint(Path));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static async Task<PodAnswer?> AnswerAsync(Socket client)
    {
        var line = new byte[1000];
        return PodAnswer.Read(line.AsMemory(0, await client.ReceiveAsync(line).WaitAsync(TimeSpan.FromSeconds(20))));
    }

    private static byte[] Question(string name) =>
        new PodQuestion(CniCommand.Add, TimeSpan.FromSeconds(1)) { Name = name, Addresses = [IPAddress.Loopback] }.ToLine();

    private static string Text(PodQuestion question) =>
        $"{question.Command} {question.Container} {question.Namespace} {question.Name} {question.Uid} {string.Join(',', question.Addresses)}";
}
