using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>Where and how much to log, known before the rest of a configuration is, and whatever is wrong with that.</summary>
/// <param name="File">The absolute path of the log file (<c>log_file</c>); null for none.</param>
/// <param name="Level">The level (<c>log_level</c>) in lower case: panic, error, warning, info, verbose or debug.</param>
internal sealed record LogSettings(string? File, string Level)
{
    /// <summary>The level when none is given.</summary>
    public const string DefaultLevel = "info";

    /// <summary>Reads the settings. Never fails: what is not understood counts as not given.</summary>
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

/// <summary>What is allowed in <c>log_file</c> and <c>log_level</c>.</summary>
internal static class LogParser
{
    public const string FileKey = "log_file";
    public const string LevelKey = "log_level";

    private static readonly string[] _levels = ["panic", "error", "warning", "info", "verbose", "debug"];

    /// <summary>Whether the text is an absolute path.</summary>
    public static bool IsFile(string? text) => text is ['/', ..] && !text.Contains('\0');

    /// <summary>The level's own spelling, given in any case; null when there is no such level.</summary>
    public static string? LevelOf(string? text) =>
        Array.Find(_levels, level => level.Equals(text, StringComparison.OrdinalIgnoreCase));

    /// <summary>Reports what <see cref="LogSettings.Read"/> passes over in silence.</summary>
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
