namespace EgressRouter.Tools;

/// <summary>What an operator gave cannot be worked with at all; the message says where and why.</summary>
/// <param name="message">One line.</param>
internal sealed class UsageException(string message) : Exception(message);
