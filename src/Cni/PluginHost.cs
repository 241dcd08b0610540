using System.Text.Json;

namespace Cni;

/// <summary>
/// The plugin side of the CNI protocol (CNI specification, "Section 2: Execution Protocol"): reads and validates environment and
/// stdin, calls the plugin, and prints its result or error. If the specification leaves a choice, the host behaves like the
/// reference library's skeleton.
/// </summary>
public sealed class PluginHost
{
    private readonly Func<string, string?> _environment;
    private readonly Stream _stdin;
    private readonly Stream _stdout;
    private readonly TextWriter _stderr;
    private readonly string _name;
    private readonly string _about;

    /// <summary>Creates a host; nothing is read or written yet.</summary>
    /// <param name="environment">Returns the value of an environment variable, or null.</param>
    /// <param name="stdin">The input with the configuration.</param>
    /// <param name="stdout">The output for the JSON object of a result, an error or VERSION.</param>
    /// <param name="stderr">The output for human-readable text.</param>
    /// <param name="name">
    /// The name and version of the plugin. The answer to VERSION contains it in the extra member <c>plugin</c>, which runtimes
    /// ignore.
    /// </param>
    /// <param name="about">A description, printed after the name if CNI_COMMAND is not set.</param>
    public PluginHost(Func<string, string?> environment, Stream stdin, Stream stdout, TextWriter stderr, string name, string about)
    {
        _environment = environment;
        _stdin = stdin;
        _stdout = stdout;
        _stderr = stderr;
        _name = name;
        _about = about;
    }

    /// <summary>The <c>cniVersion</c> of an error: that of the configuration, or the newest one until it is known.</summary>
    public string ConfigVersion { get; private set; } = CniVersions.Newest.Text();

    /// <summary>
    /// Executes the command of this process. A <see cref="CniException"/> becomes the error object on stdout. Any other exception
    /// is an internal error, which the caller must report with <see cref="WriteError"/>.
    /// </summary>
    /// <param name="plugin">Implements the commands.</param>
    /// <returns>The exit code of the process: 0, or 1 after an error.</returns>
    public int Run(ICniPlugin plugin)
    {
        ArgumentNullException.ThrowIfNull(plugin);
        try
        {
            Serve(plugin);
            return 0;
        }
        catch (CniException exception)
        {
            WriteError(_stdout, ConfigVersion, exception.Code, exception.Message, exception.Details);
            return 1;
        }
    }

    /// <summary>Prints an error (CNI specification, "Error"): one JSON object on one line.</summary>
    /// <param name="stdout">The output.</param>
    /// <param name="cniVersion">The version of the configuration; see <see cref="ConfigVersion"/>.</param>
    /// <param name="code">The error code.</param>
    /// <param name="message">One sentence.</param>
    /// <param name="details">Further details; omitted if empty.</param>
    /// <exception cref="IOException">The stream cannot be written.</exception>
    public static void WriteError(Stream stdout, string cniVersion, CniErrorCode code, string message, string details)
    {
        ArgumentNullException.ThrowIfNull(stdout);
        JsonLine.Write(stdout, json =>
        {
            json.WriteString("cniVersion", cniVersion);
            json.WriteNumber("code", (int)code);
            json.WriteString("msg", message);
            if (!string.IsNullOrEmpty(details))
            {
                json.WriteString("details", details);
            }
        });
    }

    private void Serve(ICniPlugin plugin)
    {
        string? text = _environment("CNI_COMMAND");
        if (string.IsNullOrEmpty(text))
        {
            // A user runs the program in a shell.
            _stderr.WriteLine($"{_name}: {_about}");
            _stderr.WriteLine($"CNI protocol versions supported: {string.Join(", ", CniVersions.All.Select(version => version.Text()))}");
            return;
        }

        CniCommand command = CniCommands.Parse(text);
        if (command == CniCommand.Version)
        {
            AnswerVersion();
            return;
        }

        CniEnvironment environment = CniEnvironment.Read(command, _environment);
        CniRequest request = command == CniCommand.Delete ? ReadDelete(environment) : ReadRequest(command, environment);
        Call(plugin, request);
    }

    private CniRequest ReadRequest(CniCommand command, CniEnvironment environment)
    {
        JsonElement config = StrictJson.Parse(StrictJson.Read(_stdin));
        CniVersion version = VersionOf(config);
        ConfigVersion = version.Text();
        CheckAllowed(command, version);
        return MakeRequest(command, environment, config, version, NetworkNameOf(config));
    }

    /// <summary>
    /// DEL accepts an invalid configuration, because container and interface are in the environment. After ADD has rejected the
    /// configuration, the runtime repeats DEL until it succeeds, and the pod cannot be removed before.
    /// </summary>
    private CniRequest ReadDelete(CniEnvironment environment)
    {
        JsonElement config = default;
        CniVersion version = CniVersions.Newest;
        try
        {
            config = StrictJson.Parse(StrictJson.Read(_stdin));
            version = VersionOf(config);
            ConfigVersion = version.Text();
            return MakeRequest(CniCommand.Delete, environment, config, version, NetworkNameOf(config));
        }
        catch (CniException error) when (error.Code != CniErrorCode.IoFailure)
        {
            return MakeRequest(CniCommand.Delete, environment, config, version, "") with { ConfigError = error };
        }
    }

    private void Call(ICniPlugin plugin, CniRequest request)
    {
        switch (request.Command)
        {
            case CniCommand.Add:
                Add(plugin, request);
                break;
            case CniCommand.Check:
                plugin.Check(request);
                break;
            case CniCommand.Delete:
                plugin.Delete(request);
                break;
            case CniCommand.Status:
                plugin.Status(request);
                break;
            default:
                plugin.CollectGarbage(request);
                break;
        }
    }

    private void Add(ICniPlugin plugin, CniRequest request)
    {
        CniResult result = plugin.Add(request);
        try
        {
            result.WriteTo(_stdout, request.Version);
        }
        catch (Exception silent)
        {
            // Without the result ADD has failed for the runtime, and a failed ADD must leave nothing behind.
            plugin.Delete(request with { Command = CniCommand.Delete });
            if (silent is IOException)
            {
                throw new CniException(CniErrorCode.IoFailure, $"cannot print the result: {silent.Message}");
            }

            throw;
        }
    }

    private static CniRequest MakeRequest(
        CniCommand command, CniEnvironment environment, JsonElement config, CniVersion version, string network) => new()
        {
            Command = command,
            ContainerId = environment.ContainerId,
            NetNs = environment.NetNs,
            IfName = environment.IfName,
            PluginPath = environment.PluginPath,
            Args = environment.Args,
            Version = version,
            NetworkName = network,
            Config = config,
            PrevResult = PrevResultOf(config, command),
            ValidAttachments = command == CniCommand.Gc ? ValidAttachmentsMember.Read(config) : [],
        };

    private static CniVersion VersionOf(JsonElement config)
    {
        string? text = null;
        if (config.TryGetProperty("cniVersion", out JsonElement member))
        {
            text = member.ValueKind == JsonValueKind.String ? member.GetString() : null;
            if (text is null)
            {
                throw Incompatible("not a string");
            }
        }

        // The reference library treats a missing or empty version as 0.1.0.
        if (string.IsNullOrEmpty(text))
        {
            return CniVersion.V010;
        }

        return CniVersions.TryParse(text, out CniVersion version) ? version : throw Incompatible($"\"{SafeText.Short(text)}\"");
    }

    private static CniException Incompatible(string found) => new(
        CniErrorCode.IncompatibleVersion,
        "incompatible CNI versions",
        $"config is {found}, plugin supports [{string.Join(' ', CniVersions.All.Select(version => $"\"{version.Text()}\""))}]");

    private static void CheckAllowed(CniCommand command, CniVersion version)
    {
        CniVersion since = command switch
        {
            CniCommand.Check => CniVersion.V040,
            CniCommand.Status or CniCommand.Gc => CniVersion.V110,
            _ => CniVersion.V010,
        };
        if (version < since)
        {
            throw new CniException(CniErrorCode.IncompatibleVersion, $"config version does not allow {command.Text()}");
        }
    }

    private static string NetworkNameOf(JsonElement config)
    {
        if (!config.TryGetProperty("name", out JsonElement member))
        {
            throw new CniException(CniErrorCode.InvalidConfig, "missing network name");
        }

        string? name = member.ValueKind == JsonValueKind.String ? member.GetString() : null;
        return name is not null && Identifiers.IsValid(name)
            ? name
            : throw new CniException(
                CniErrorCode.InvalidConfig,
                "invalid network name: it has to be a string of letters, digits, '_', '.' and '-', the first a letter or digit");
    }

    private static JsonElement? PrevResultOf(JsonElement config, CniCommand command)
    {
        JsonElement member = default;
        bool isThere = config.ValueKind == JsonValueKind.Object && config.TryGetProperty("prevResult", out member);
        if (!isThere || member.ValueKind == JsonValueKind.Null)
        {
            return command != CniCommand.Check ? null : throw new CniException(CniErrorCode.InvalidConfig, "prevResult is missing");
        }

        if (member.ValueKind == JsonValueKind.Object)
        {
            return member;
        }

        // DEL does not depend on prevResult, and GC and STATUS do not use it.
        return command is not (CniCommand.Add or CniCommand.Check)
            ? null
            : throw new CniException(CniErrorCode.InvalidConfig, "prevResult is not an object");
    }

    /// <summary>VERSION is the only command that can have an empty stdin.</summary>
    private void AnswerVersion()
    {
        ReadOnlyMemory<byte> text = StrictJson.Read(_stdin);
        string? asked = null;
        if (!text.Span.Trim(" \t\r\n"u8).IsEmpty
            && StrictJson.Parse(text).TryGetProperty("cniVersion", out JsonElement member))
        {
            asked = member.ValueKind == JsonValueKind.String ? member.GetString() : throw Incompatible("not a string");
        }

        JsonLine.Write(_stdout, json =>
        {
            json.WriteString("cniVersion", string.IsNullOrEmpty(asked) ? CniVersions.Newest.Text() : asked);
            json.WriteStartArray("supportedVersions");
            foreach (CniVersion version in CniVersions.All)
            {
                json.WriteStringValue(version.Text());
            }

            json.WriteEndArray();
            json.WriteString("plugin", _name);
        });
    }
}
