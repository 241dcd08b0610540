namespace EgressOperator.Heartbeats;

/// <summary>Why a datagram was not used.</summary>
internal enum DropReason
{
    /// <summary>Longer than <see cref="MessageFormat.MaxLength"/>.</summary>
    Oversized,

    /// <summary>The authentication code is wrong or missing.</summary>
    WrongMac,

    /// <summary>Not a message.</summary>
    Malformed,

    /// <summary>No peer has the sender's name.</summary>
    UnknownSender,

    /// <summary>It does not come from an address of its sender.</summary>
    WrongSource,

    /// <summary>From an earlier process of the sender.</summary>
    OldIncarnation,

    /// <summary>A beat that is not newer than one before.</summary>
    OldSequence,

    /// <summary>It waited while this process was paused: nobody knows for how long.</summary>
    Late,
}
