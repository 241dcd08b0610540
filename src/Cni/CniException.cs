namespace Cni;

/// <summary>An error for the runtime (CNI specification, "Error"). <see cref="PluginHost"/> prints it.</summary>
/// <param name="code">The member <c>code</c>.</param>
/// <param name="message">The member <c>msg</c>: one sentence, without secrets.</param>
/// <param name="details">The member <c>details</c>; omitted if empty.</param>
public sealed class CniException(CniErrorCode code, string message, string details = "") : Exception(message)
{
    /// <summary>The member <c>code</c>.</summary>
    public CniErrorCode Code { get; } = code;

    /// <summary>The member <c>details</c>, or empty.</summary>
    public string Details { get; } = details;
}
