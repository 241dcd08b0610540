namespace Cni;

/// <summary>An error that is told to the runtime (CNI specification, "Error"). <see cref="PluginHost"/> prints it.</summary>
/// <param name="code">What kind of error.</param>
/// <param name="message">The member <c>msg</c>: one sentence, without secrets.</param>
/// <param name="details">The member <c>details</c>; left out when empty.</param>
public sealed class CniException(CniErrorCode code, string message, string details = "") : Exception(message)
{
    /// <summary>What kind of error.</summary>
    public CniErrorCode Code { get; } = code;

    /// <summary>More about it, or empty.</summary>
    public string Details { get; } = details;
}
