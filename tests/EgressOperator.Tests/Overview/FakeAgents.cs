using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EgressOperator.Tests.Overview;

/// <summary>Answers as the agents of all nodes: 127.0.0.x tells of the addresses of one of them.</summary>
internal sealed class FakeAgents : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Any, 0);

    private readonly Func<IPAddress, IEnumerable<string>> _addressesOf;

    private int _answers;

    private FakeAgents(Func<IPAddress, IEnumerable<string>> addressesOf) => _addressesOf = addressesOf;

    public string Port => ((IPEndPoint)_listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);

    /// <param name="addressesOf">The egress addresses of the node at an address.</param>
    public static FakeAgents Start(Func<IPAddress, IEnumerable<string>> addressesOf)
    {
        var agents = new FakeAgents(addressesOf);
        agents._listener.Start();
        _ = Task.Run(agents.AcceptAsync);
        return agents;
    }

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                using Socket client = await _listener.AcceptSocketAsync();
                await client.ReceiveAsync(new byte[4096]);
                string text = Text(((IPEndPoint)client.LocalEndPoint!).Address);
                await client.SendAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {text.Length}\r\nConnection: close\r\n\r\n{text}"));
            }
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
        {
            // The test has ended.
        }
    }

    private string Text(IPAddress node)
    {
        int round = Interlocked.Increment(ref _answers);
        var text = new StringBuilder("# HELP egress_agent_connections Connections.\n# TYPE egress_agent_connections gauge\n");
        foreach (string address in _addressesOf(node))
        {
            text.Append(CultureInfo.InvariantCulture, $"egress_agent_connections{{egress_ip=\"{address}\"}} {40 + (round % 7)}\n");
            text.Append(CultureInfo.InvariantCulture, $"egress_agent_ports_in_use{{egress_ip=\"{address}\"}} {30 + (round % 3)}\n");
            text.Append(CultureInfo.InvariantCulture, $"egress_agent_sent_bytes_total{{egress_ip=\"{address}\"}} {round * 4_000_000}\n");
            text.Append(CultureInfo.InvariantCulture, $"egress_agent_received_bytes_total{{egress_ip=\"{address}\"}} {round * 9_000_000}\n");
        }

        return text.ToString();
    }
}
