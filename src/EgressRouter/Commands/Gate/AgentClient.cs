using System.Runtime.InteropServices;
using System.Text;
using AgentProtocol;
using Cni;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace EgressRouter.Commands.Gate;

/// <summary>Asks the agent of the node. By system calls: the classes of .NET for sockets would slow every start of the plugin.</summary>
internal static class AgentClient
{
    /// <summary>The agent answers in time, also if it is not done: its answer says why.</summary>
    private static readonly TimeSpan _grace = TimeSpan.FromSeconds(1);

    /// <exception cref="CniException">Code 11: no agent answers.</exception>
    public static PodAnswer Ask(string path, PodQuestion question, CancellationToken stop)
    {
        int descriptor = -1;
        try
        {
            descriptor = Connect(path);
            using CancellationTokenRegistration ending = stop.Register(() => _ = shutdown(descriptor, SHUT_RDWR));
            var stream = new StandardStream(descriptor, question.Limit + _grace);
            stream.Write(question.ToLine());
            return PodAnswer.Read(ReadLine(stream)) ?? throw NoAnswer(path, "it has ended the connection without an answer");
        }
        catch (IOException failure)
        {
            throw NoAnswer(path, failure.Message);
        }
        finally
        {
            if (descriptor >= 0)
            {
                _ = close(descriptor);
            }
        }
    }

    private static ReadOnlyMemory<byte> ReadLine(StandardStream stream)
    {
        byte[] line = new byte[PodQuestion.LongestLine];
        int length = 0;
        while (length < line.Length && stream.Read(line.AsSpan(length)) is > 0 and int count)
        {
            length += count;
            if (line[length - 1] == '\n')
            {
                break;
            }
        }

        return line.AsMemory(0, length);
    }

    /// <summary>Connects without waiting: an agent that accepts nothing fills its queue (EAGAIN).</summary>
    private static unsafe int Connect(string path)
    {
        int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        // struct sockaddr_un: the family, and the path with a NUL.
        byte[] name = [(byte)AF_UNIX, 0, .. Encoding.UTF8.GetBytes(path), 0];
        fixed (byte* address = name)
        {
            if (descriptor >= 0 && connect(descriptor, (sockaddr*)address, (uint)name.Length) == 0)
            {
                return descriptor;
            }
        }

        int error = Marshal.GetLastPInvokeError();
        if (descriptor >= 0)
        {
            _ = close(descriptor);
        }

        throw new IOException(Marshal.GetPInvokeErrorMessage(error));
    }

    private static CniException NoAnswer(string path, string reason) => new(
        CniErrorCode.TryAgainLater,
        $"the egress-operator agent of this node does not answer at {path} ({reason}): without it, the pod's packets could leave with a "
        + "wrong source address");
}
