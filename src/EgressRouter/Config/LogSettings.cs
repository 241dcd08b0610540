using System.Text.Json;
using Cni;

namespace EgressRouter.Config;

/// <summary>The log file and level, read before full validation, so that errors of the configuration are logged too.</summary>
/// <param name="File">The absolute path of the log file (<c>log_file</c>), or null if there is none.</param>
/// <param name="Level">The level (<c>log_level</c>).</param>
internal sealed record LogSettings(string? File, LogLevel Level)
{
    public const LogLevel DefaultLevel = LogLevel.Info;

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

        return new LogSettings(LogParser.IsFile(file) ? file : null, LogLevels.Parse(level) ?? DefaultLevel);
    }
}
