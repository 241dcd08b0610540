namespace EgressRouter.Tools;

/// <summary>The operator's input is unusable; the message says where and why.</summary>
/// <param name="message">One line.</param>
internal sealed class UsageException(string message) : Exception(message);
