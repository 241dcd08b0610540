using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Netlink;

namespace SystemTests.Legacy;

/// <summary>
/// A DNS server that may answer each question otherwise, with a TTL of 0, in the place of the lab's. It remembers what it was asked.
/// </summary>
internal sealed class ScriptedDns : IDisposable
{
    public const int A = 1;
    public const int Pointer = 12;
    public const int Aaaa = 28;
    private const int HeaderLength = 12;
    private const ushort NameError = 3;

    private readonly Socket _socket;
    private readonly Func<string, int, string?> _answer;
    private readonly ConcurrentDictionary<(string, int), int> _counts = [];

    /// <param name="lab">The lab.</param>
    /// <param name="answer">The addresses of a name, apart by blanks; of the how manyth question of its type. None: there is no such
    /// name. Null: no answer.</param>
    public ScriptedDns(ProxyLab lab, Func<string, int, string?> answer)
    {
        lab.Dns.Stop();
        _answer = answer;
        using NetNamespace space = NetNamespace.Open(Lab.PathOf(lab.Lab.Lan));
        _socket = space.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        _socket.Bind(new IPEndPoint(IPAddress.Parse(DnsServer.Address), 53));
        new Thread(Serve) { IsBackground = true }.Start();
    }

    /// <summary>The names and types that it was asked for.</summary>
    public ICollection<(string Name, int Type)> Questions => _counts.Keys;

    public void Dispose() => _socket.Dispose();

    private void Serve()
    {
        var buffer = new byte[2048];
        EndPoint from = new IPEndPoint(IPAddress.Any, 0);
        try
        {
            while (true)
            {
                int length = _socket.ReceiveFrom(buffer, ref from);
                if (Answer(buffer.AsSpan(0, length)) is byte[] answer)
                {
                    _ = _socket.SendTo(answer, from);
                }
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // The test has ended.
        }
    }

    /// <summary>RFC 1035, section 4: header, question, and of each address its name, type, class, TTL, length and bytes.</summary>
    private byte[]? Answer(ReadOnlySpan<byte> query)
    {
        var name = new StringBuilder();
        int at = HeaderLength;
        for (; query[at] > 0; at += query[at] + 1)
        {
            name.Append(Encoding.ASCII.GetString(query.Slice(at + 1, query[at]))).Append('.');
        }

        int type = BinaryPrimitives.ReadUInt16BigEndian(query[(at + 1)..]);
        string asked = name.ToString().TrimEnd('.').ToLowerInvariant();
        int count = _counts.AddOrUpdate((asked, type), 1, (_, before) => before + 1);
        if ((type is A or Aaaa ? _answer(asked, count) : "") is not string text)
        {
            return null;
        }

        string[] texts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        byte[][] addresses = [.. texts.Select(IPAddress.Parse)
            .Where(
                address => (address.AddressFamily == AddressFamily.InterNetworkV6) == (type == Aaaa))
                    .Select(address => address.GetAddressBytes())];
        byte[] answer = [.. query[..(at + 5)],
            .. addresses.SelectMany(
                address => (byte[])[0xc0, HeaderLength, 0, (byte)type, 0, 1, 0, 0, 0, 0, 0, (byte)address.Length, .. address])];
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(2), (ushort)(0x8180 | (texts.Length == 0 ? NameError : 0)));
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(6), (ushort)addresses.Length);
        answer.AsSpan(8, 4).Clear();
        return answer;
    }
}
