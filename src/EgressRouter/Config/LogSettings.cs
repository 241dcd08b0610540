using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>The log file and level, read before full validation, so that errors of the configuration are logged too.</summary>
/// <param name="File">The absolute path of the log file (<c>log_file</c>), or null if there is none.</param>
/// <param name="Level">The level (<c>log_level</c>) in lower case: panic, error, warning, info, verbose or debug.</param>
internal sealed record LogSettings(string? File, string Level)
{
    public const string DefaultLevel = "info";

    /// <summary>Reads the settings. Never fails: an invalid value counts as absent.</summary>
    public static LogSettings Read(JsonElement config)
    {
        string? file = null;
        string? level = null;
        if (config.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty property in config.EnumerateObject())
            {
                switch (JsonShown.NameOf(property))
                {
                    case LogParser.FileKey:
                        file = JsonText.Of(property.Value);
                        break;
                    case LogParser.LevelKey:
                        level = JsonText.Of(property.Value);
                        break;
                }
            }
        }

        return new LogSettings(LogParser.IsFile(file) ? file : null, LogParser.LevelOf(level) ?? DefaultLevel);
    }
}

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
    public static void Check(ObjectReader config, ConfigErrors faults)
    {
        if (config.Setting(FileKey) is string file && !IsFile(file))
        {
            faults.Fault(FileKey, file, "must be an absolute path");
        }

        if (config.Setting(LevelKey) is string level && LevelOf(level) is null)
        {
            faults.Fault(LevelKey, level, $"is not one of {string.Join(", ", _levels)}");
        }
    }
}
