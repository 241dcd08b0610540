using System.Net.Sockets;
using AgentProtocol;
using EgressRouter.Tools;
using Serilog;

namespace EgressOperator.Gate;

/// <summary>The agent's socket, on which the CNI plugin asks. Only root may use it.</summary>
/// <param name="path">The path of the socket.</param>
internal sealed class GateListener(string path, Func<PodQuestion, CancellationToken, Task<PodAnswer>> answer, ILogger log)
{
    /// <summary>As many pods may start at once. More wait in the kernel's queue.</summary>
    private const int MostClients = 256;

    private const UnixFileMode OnlyRoot = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>How long a client may take to send its question, or to receive its answer.</summary>
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan _longestQuestion = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(5);

    /// <summary>Instead of a path: no socket.</summary>
    public const string None = "none";

    /// <summary>Where records of pods are, beside the socket; null: nowhere.</summary>
    public static string? FolderOf(string path) => path == None ? null : Path.Combine(Path.GetDirectoryName(path)!, "pods");

    /// <summary>Listens until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        if (path == None)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
        }

        while (true)
        {
            try
            {
                using Socket socket = Open();
                await AcceptAsync(socket, cancellation);
            }
            catch (Exception failure) when (failure is SocketException or IOException or UnauthorizedAccessException or UsageException)
            {
                log.Error("pods of this node cannot start, if their network asks the agent: {Path:l}: {Failure:l}", [path, failure.Message]);
            }

            await Task.Delay(_pause, cancellation);
        }
    }

    /// <summary>Replaces the file that a killed agent has left.</summary>
    private Socket Open()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, OnlyRoot | UnixFileMode.UserExecute);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            if (File.Exists(path) && !IsListening())
            {
                File.Delete(path);
            }

            socket.Bind(new UnixDomainSocketEndPoint(path));
            // Nobody can connect before listen, so that nobody gets in by the mode that the file has first.
            File.SetUnixFileMode(path, OnlyRoot);
            socket.Listen(MostClients);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private bool IsListening()
    {
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            client.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException failure) when (failure.SocketErrorCode == SocketError.ConnectionRefused)
        {
            return false;
        }
    }

    private async Task AcceptAsync(Socket socket, CancellationToken cancellation)
    {
        using var clients = new SemaphoreSlim(MostClients);
        while (true)
        {
            await clients.WaitAsync(cancellation);
            Socket client = await socket.AcceptAsync(cancellation);
            _ = ServeAsync(client, cancellation).ContinueWith(
                _ => clients.Release(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private async Task ServeAsync(Socket client, CancellationToken cancellation)
    {
        using (client)
        {
            try
            {
                if (PodQuestion.Read(await ReadLineAsync(client, cancellation)) is not PodQuestion question
                    || question.Limit > _longestQuestion)
                {
                    log.Warning("the plugin asks what this agent does not understand: both must be of one release");
                    return;
                }

                PodAnswer said = await answer(question, cancellation);
                log.Debug(
                    "{Command:l} of pod {Namespace:l}/{Name:l}: {Answer:l}",
                    [question.Command.ToString(), question.Namespace, question.Name, said.Code is null ? "yes" : said.Message]);
                using CancellationTokenSource limit = LimitedBy(cancellation);
                await client.SendAsync(said.ToLine(), limit.Token);
            }
            catch (Exception failure) when (failure is SocketException or OperationCanceledException)
            {
                log.Debug("a question of the plugin is not answered: {Failure:l}", [failure.Message]);
            }
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadLineAsync(Socket client, CancellationToken cancellation)
    {
        using CancellationTokenSource limit = LimitedBy(cancellation);
        var line = new byte[PodQuestion.LongestLine];
        int length = 0;
        while (length < line.Length && await client.ReceiveAsync(line.AsMemory(length), limit.Token) is > 0 and int count)
        {
            length += count;
            if (line[length - 1] == '\n')
            {
                break;
            }
        }

        return line.AsMemory(0, length);
    }

    private static CancellationTokenSource LimitedBy(CancellationToken cancellation)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(_limit);
        return limit;
    }
}
