namespace EgressRouter.Config;

/// <summary>Validates <c>log_file</c> and <c>log_level</c>.</summary>
internal static class LogParser
{
    public const string FileKey = "log_file";
    public const string LevelKey = "log_level";

    public static bool IsFile(string? text) => text is ['/', ..] && !text.Contains('\0');

    /// <summary>Reports the invalid values that <see cref="LogSettings.Read"/> ignores.</summary>
    public static void Check(ObjectReader config, ConfigErrors errors)
    {
        if (config.Setting(FileKey) is string file && !IsFile(file))
        {
            errors.Add(FileKey, file, "must be an absolute path");
        }

        if (config.Setting(LevelKey) is string level && LogLevels.Parse(level) is null)
        {
            errors.Add(LevelKey, level, $"is not one of {LogLevels.All}");
        }
    }
}
