namespace EgressRouter.Config;

/// <summary>Validates <c>log_file</c> and <c>log_level</c>.</summary>
internal static class LogParser
{
    public const string FileKey = "log_file";
    public const string LevelKey = "log_level";

    private static readonly string[] _levels = ["panic", "error", "warning", "info", "verbose", "debug"];

    public static bool IsFile(string? text) => text is ['/', ..] && !text.Contains('\0');

    /// <summary>The level in lower case, or null if there is no such level.</summary>
    public static string? LevelOf(string? text) =>
        Array.Find(_levels, level => level.Equals(text, StringComparison.OrdinalIgnoreCase));

    /// <summary>Reports the invalid values that <see cref="LogSettings.Read"/> ignores.</summary>
    public static void Check(ObjectReader config, ConfigErrors errors)
    {
        if (config.Setting(FileKey) is string file && !IsFile(file))
        {
            errors.Add(FileKey, file, "must be an absolute path");
        }

        if (config.Setting(LevelKey) is string level && LevelOf(level) is null)
        {
            errors.Add(LevelKey, level, $"is not one of {string.Join(", ", _levels)}");
        }
    }
}
