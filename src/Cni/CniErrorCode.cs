namespace Cni;

/// <summary>
/// Error codes (CNI specification, "Error"): codes up to 99 are reserved for the specification, from 100 on for plugins.
/// </summary>
public enum CniErrorCode
{
    /// <summary>The plugin does not support the configuration's version, or that version lacks the command.</summary>
    IncompatibleVersion = 1,

    /// <summary>A member of the configuration is not supported; the message names it and its value.</summary>
    UnsupportedField = 2,

    /// <summary>An environment variable (<c>CNI_...</c>) is missing or invalid; the message names it.</summary>
    InvalidEnvironment = 4,

    /// <summary>Reading the configuration, or another input or output, failed.</summary>
    IoFailure = 5,

    /// <summary>The text on stdin is not a valid JSON object.</summary>
    DecodingFailure = 6,

    /// <summary>The configuration is valid JSON, but its content is invalid.</summary>
    InvalidConfig = 7,

    /// <summary><c>CNI_NETNS</c> is not a network namespace, or is the plugin's own (used by the reference library).</summary>
    InvalidNetNs = 8,

    /// <summary>A temporary condition: the runtime should retry later.</summary>
    TryAgainLater = 11,

    /// <summary>STATUS: ADD cannot be served.</summary>
    PluginNotAvailable = 50,

    /// <summary>STATUS: ADD cannot be served, and existing containers may have limited connectivity.</summary>
    LimitedConnectivity = 51,

    /// <summary>The IPAM plugin cannot be run or returns no valid result. An error of the IPAM plugin keeps its own code.</summary>
    IpamFailed = 103,

    /// <summary>An internal error of the plugin (code 999 of the reference library).</summary>
    Internal = 999,
}
