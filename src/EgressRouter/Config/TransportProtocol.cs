namespace EgressRouter.Config;

/// <summary>A transport protocol that has ports; the values are IANA's protocol numbers.</summary>
public enum TransportProtocol : byte
{
    /// <summary>TCP.</summary>
    Tcp = 6,

    /// <summary>UDP.</summary>
    Udp = 17,

    /// <summary>SCTP.</summary>
    Sctp = 132,
}
