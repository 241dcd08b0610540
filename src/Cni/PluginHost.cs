using System.Text.Json;

namespace Cni;

/// <summary>
/// A plugin's side of the protocol (CNI specification, "Section 2: Execution Protocol"): reads environment and stdin,
/// checks them, calls the plugin, and prints its result or its error. Where the specification leaves a choice it does as
/// the reference library's skeleton does.
/// </summary>
public sealed class PluginHost
{
    private readonly Func<string, string?> _environment;
    private readonly Stream _stdin;
    private readonly Stream _stdout;
    private readonly TextWriter _stderr;
    private readonly string _name;
    private readonly string _about;

    /// <summary>Nothing is read or written yet.</summary>
    /// <param name="environment">The value of an environment variable, or null.</param>
    /// <param name="stdin">Where the configuration comes from.</param>
    /// <param name="stdout">Where the one JSON object goes, if there is one.</param>
    /// <param name="stderr">Where text for people goes.</param>
    /// <param name="name">The plugin and its version. VERSION's answer has it too, as <c>plugin</c>, which the specification does not know
    /// and runtimes pass over.</param>
    /// <param name="about">What the plugin is: printed behind its name when it is started without CNI_COMMAND.</param>
    public PluginHost(Func<string, string?> environment, Stream stdin, Stream stdout, TextWriter stderr, string name, string about)
    {
        _environment = environment;
        _stdin = stdin;
        _stdout = stdout;
        _stderr = stderr;
        _name = name;
        _about = about;
    }

    /// <summary>The <c>cniVersion</c> that an error carries: the configuration's own once it is known, before that the newest.</summary>
    public string ConfigVersion { get; private set; } = CniVersions.Newest.Text();

    /// <summary>
    /// Serves the one call that this process was started for. A <see cref="CniException"/> becomes the error object on
    /// stdout; any other exception is a fault of the plugin, and the caller's to report with <see cref="WriteError"/>.
    /// </summary>
    /// <param name="plugin">What the commands do.</param>
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
    /// <param name="stdout">Where to.</param>
    /// <param name="cniVersion">The version of the configuration; see <see cref="ConfigVersion"/>.</param>
    /// <param name="code">What kind of error.</param>
    /// <param name="message">One sentence.</param>
    /// <param name="details">More about it; left out when empty.</param>
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
            // Somebody tries the program in a shell.
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
        JsonElement config = ConfigText.Parse(ConfigText.Read(_stdin));
        CniVersion version = VersionOf(config);
        ConfigVersion = version.Text();
        CheckAllowed(command, version);
        return MakeRequest(command, environment, config, version, NetworkNameOf(config));
    }

    /// <summary>
    /// DEL is served whatever the configuration is, by the names in the environment. ADD has refused the same configuration,
    /// and the runtime calls DEL after that, and again until it succeeds: until then the pod does not go away.
    /// </summary>
    private CniRequest ReadDelete(CniEnvironment environment)
    {
        JsonElement config = default;
        CniVersion version = CniVersions.Newest;
        try
        {
            config = ConfigText.Parse(ConfigText.Read(_stdin));
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
            // The runtime does not hear that it worked: for it ADD has failed, and a failed ADD leaves nothing.
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

        // Absent or empty: written before there were versions. The reference library takes it for 0.1.0.
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

        // DEL removes what it finds, whatever the runtime remembers of ADD. The others have no use for it.
        return command is not (CniCommand.Add or CniCommand.Check)
            ? null
            : throw new CniException(CniErrorCode.InvalidConfig, "prevResult is not an object");
    }

    /// <summary>VERSION: the only command that may come without a configuration.</summary>
    private void AnswerVersion()
    {
        ReadOnlyMemory<byte> text = ConfigText.Read(_stdin);
        string? asked = null;
        if (!text.Span.Trim(" \t\r\n"u8).IsEmpty
            && ConfigText.Parse(text).TryGetProperty("cniVersion", out JsonElement member))
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
