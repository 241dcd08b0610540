namespace Cni;

/// <summary>
/// Codes of an error (CNI specification, "Error"): up to 99 they are the specification's, from 100 on the plugin's own.
/// </summary>
public enum CniErrorCode
{
    /// <summary>The plugin does not speak the configuration's version, or that version lacks the command.</summary>
    IncompatibleVersion = 1,

    /// <summary>A member of the configuration is not supported; the message names it and its value.</summary>
    UnsupportedField = 2,

    /// <summary>An environment variable (<c>CNI_...</c>) is missing or wrong; the message names it.</summary>
    InvalidEnvironment = 4,

    /// <summary>Reading the configuration, or another input or output, failed.</summary>
    IoFailure = 5,

    /// <summary>What came on stdin is not the JSON that was expected.</summary>
    DecodingFailure = 6,

    /// <summary>The configuration is JSON, but wrong.</summary>
    InvalidConfig = 7,

    /// <summary><c>CNI_NETNS</c> is not a network namespace, or is the plugin's own (used by the reference library).</summary>
    InvalidNetNs = 8,

    /// <summary>A passing condition: the runtime should try again later.</summary>
    TryAgainLater = 11,

    /// <summary>STATUS: ADD cannot be served.</summary>
    PluginNotAvailable = 50,

    /// <summary>STATUS: ADD cannot be served, and existing containers may have limited connectivity.</summary>
    LimitedConnectivity = 51,

    /// <summary>The IPAM plugin cannot be run, or answers with no result. An error of its own keeps its own code.</summary>
    IpamFailed = 103,

    /// <summary>A fault of the plugin itself (the reference library's code for it).</summary>
    Internal = 999,
}
