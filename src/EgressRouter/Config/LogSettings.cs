using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>Where and how much to log, known before the rest of a configuration is, and whatever is wrong with that.</summary>
/// <param name="File">The absolute path of the log file (<c>log_file</c>); null for none.</param>
/// <param name="Level">The level (<c>log_level</c>) in lower case: panic, error, warning, info, verbose or debug.</param>
public sealed record LogSettings(string? File, string Level)
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
                    case LogReader.FileKey:
                        file = JsonText.Of(property.Value);
                        break;
                    case LogReader.LevelKey:
                        level = JsonText.Of(property.Value);
                        break;
                }
            }
        }

        return new LogSettings(LogReader.IsFile(file) ? file : null, LogReader.LevelOf(level) ?? DefaultLevel);
    }
}
