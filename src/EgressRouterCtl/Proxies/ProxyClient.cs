using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EgressRouterCtl.Proxies;

/// <summary>Sends a request to a program of this pod.</summary>
internal static class ProxyClient
{
    private const int MaxAnswer = 1024 * 1024;

    /// <summary>Sends a text, and reads until the program closes the connection.</summary>
    /// <param name="address">A TCP port of 127.0.0.1, or a Unix socket.</param>
    /// <param name="question">The text, in ASCII.</param>
    /// <param name="limit">The timeout of the connection, and of each part of the answer.</param>
    /// <exception cref="IOException">The program does not answer.</exception>
    public static string Ask(EndPoint address, string question, TimeSpan limit)
    {
        try
        {
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Unspecified)
            {
                SendTimeout = (int)limit.TotalMilliseconds,
                ReceiveTimeout = (int)limit.TotalMilliseconds,
            };
            if (!socket.ConnectAsync(address).Wait(limit))
            {
                throw new IOException("no answer in time");
            }

            socket.Send(Encoding.ASCII.GetBytes(question));
            var answer = new StringBuilder();
            byte[] buffer = new byte[4096];
            for (int count; answer.Length < MaxAnswer && (count = socket.Receive(buffer)) > 0;)
            {
                answer.Append(Encoding.ASCII.GetString(buffer, 0, count));
            }

            return answer.ToString();
        }
        catch (Exception failure) when ((failure.InnerException ?? failure) is SocketException refused)
        {
            throw new IOException(refused.SocketErrorCode == SocketError.TimedOut ? "no answer in time" : refused.Message);
        }
    }
}
