namespace EgressRouter.Config;

/// <summary>The names of the log levels.</summary>
internal static class LogLevels
{
    /// <summary>In the order of <see cref="LogLevel"/>.</summary>
    private static readonly string[] _names = ["panic", "error", "warning", "info", "verbose", "debug"];

    /// <summary>All names, for messages: <c>panic, error, warning, info, verbose, debug</c>.</summary>
    public static string All => string.Join(", ", _names);

    public static string Name(this LogLevel level) => _names[(int)level];

    /// <summary>The level of a name in any case, or null if there is no such level.</summary>
    public static LogLevel? Parse(string? text)
    {
        int index = Array.FindIndex(_names, name => name.Equals(text, StringComparison.OrdinalIgnoreCase));
        return index < 0 ? null : (LogLevel)index;
    }
}
