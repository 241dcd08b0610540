using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using SystemTests.EgressIp.Traffic;

namespace SystemTests.Hold;

/// <summary>Hears all that a pod says to its peer and hears of it, and sends what it likes, from a client of the cluster network.</summary>
internal sealed class PeerAttacker : IDisposable
{
    private const int Port = 4793;

    /// <summary>After the headers of Ethernet and IPv4.</summary>
    private const int UdpOffset = 14 + 20;

    private const int MacLength = 32;

    private readonly ConcurrentQueue<byte[]> _heard = [];

    private readonly Socket _tap;

    private readonly Socket _sender;

    private readonly IPAddress _pod;

    private long _number;

    public PeerAttacker(PairNetwork network, int pod)
    {
        _pod = IPAddress.Parse(PairNetwork.ClusterAddress(pod));
        _sender = NamespaceSocket.Open(network.Client, AddressFamily.InterNetwork, Transport.Udp);
        _tap = PacketSocket.Open(new LinkEnd(network.PodOf(pod), "eth0"));
        new Thread(Listen) { Name = "attacker", IsBackground = true }.Start();
    }

    /// <summary>The datagrams that the pod has heard.</summary>
    public IReadOnlyCollection<byte[]> Heard => _heard;

    /// <summary>The name of the pod as which this one promises whatever the pod asks for; null: it does not.</summary>
    public string? PromisesAs { get; set; }

    public static bool IsPromise(byte[] datagram) =>
        Encoding.UTF8.GetString(datagram).Contains("\"promises\":true", StringComparison.Ordinal);

    /// <summary>Sends a datagram to a pod of the pair.</summary>
    public void Send(int pod, byte[] datagram) =>
        _sender.SendTo(datagram, new IPEndPoint(IPAddress.Parse(PairNetwork.ClusterAddress(pod)), Port));

    /// <summary>Sends to both pods a datagram, and what it becomes by a wrong key, without one, and damaged.</summary>
    public void SendAllOf(byte[] datagram)
    {
        byte[] content = datagram[MacLength..];
        foreach (int pod in (int[])[0, 1])
        {
            Send(pod, datagram);
            Send(pod, [.. HMACSHA256.HashData("another key of 32 bytes, or more"u8, content), .. content]);
            Send(pod, content);
            Send(pod, datagram[..(datagram.Length / 2)]);
            Send(pod, [.. datagram, .. new byte[60_000]]);
            Send(pod, []);
        }
    }

    public void Dispose()
    {
        _tap.Dispose();
        _sender.Dispose();
    }

    private void Listen()
    {
        var buffer = new byte[1 << 17];
        try
        {
            while (true)
            {
                Frame frame = Frame.Parse(buffer.AsSpan(0, _tap.Receive(buffer)));
                // Fragments are not kept.
                int end = frame is { EtherType: Frame.IPv4, Protocol: 17, Port: Port }
                    ? UdpOffset + BinaryPrimitives.ReadUInt16BigEndian(frame.Bytes.AsSpan(UdpOffset + 4)) : int.MaxValue;
                if (end > frame.Bytes.Length)
                {
                    continue;
                }

                byte[] datagram = frame.Bytes[(UdpOffset + 8)..end];
                if (_pod.Equals(frame.Destination))
                {
                    _heard.Enqueue(datagram);
                }
                else if (_pod.Equals(frame.Source) && PromisesAs is string name)
                {
                    _sender.SendTo(Promise(name, datagram), new IPEndPoint(_pod, Port));
                }
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // The test has ended.
        }
    }

    /// <summary>The answer of a pod that has the key.</summary>
    private byte[] Promise(string name, byte[] question)
    {
        JsonNode message = JsonNode.Parse(question.AsSpan(MacLength))!;
        (message["echoProcess"], message["echo"]) = ((long)message["process"]!, (long)message["number"]!);
        (message["pod"], message["process"], message["number"]) = (name, 4711, ++_number);
        (message["asks"], message["promises"], message["isHolding"], message["hasLease"]) = (false, true, false, false);
        byte[] content = Encoding.UTF8.GetBytes(message.ToJsonString());
        return [.. HMACSHA256.HashData(Encoding.ASCII.GetBytes(PairLab.Key), content), .. content];
    }
}
