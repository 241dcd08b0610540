namespace SystemTests.EgressIp.Traffic;

/// <summary>What carries a question to a server.</summary>
public enum Transport
{
    Tcp,
    Udp,

    /// <summary>An echo request: RFC 792, RFC 4443.</summary>
    Icmp,
}
