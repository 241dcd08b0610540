namespace EgressRouter.Config;

/// <summary>One thing that is wrong, or doubtful, in a configuration: where, what stands there, and why not.</summary>
/// <param name="Path">The JSON path from the top of the configuration, such as <c>ip.destinations[1]</c>.</param>
/// <param name="Text">
/// The offending text as it stands there, or null when there is none to show. Control and format characters are escaped
/// and what is longer than 80 characters is cut, whatever is assigned.
/// </param>
/// <param name="Reason">Why it is wrong, in one line.</param>
public sealed record ConfigFault(string Path, string? Text, string Reason)
{
    /// <inheritdoc cref="ConfigFault(string, string?, string)" path="/param[@name='Text']"/>
    public string? Text { get; init => field = Escape(value); } = Escape(Text);

    /// <summary>
    /// True for a value that is understood but not supported: error code 2 of the CNI specification, whose message has
    /// to contain key and value, instead of 7. <see cref="ToString"/> contains both.
    /// </summary>
    public bool UnsupportedValue { get; init; }

    /// <summary>One line: <c>ip.destinations[1] "70000 tcp 203.0.113.26": port 70000 is outside 1-65535</c>.</summary>
    public override string ToString() => Text is null ? $"{Path}: {Reason}" : $"{Path} \"{Text}\": {Reason}";

    private static string? Escape(string? text) => text is null ? null : Shown.Of(text);
}
