namespace EgressRouter.Tools;

/// <summary>What an operator gave cannot be worked with at all; the message says where and why.</summary>
/// <param name="message">One line.</param>
public sealed class InputException(string message) : Exception(message);
