using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Cni;

/// <summary>
/// The IPAM plugin that a configuration names (CNI specification, "Section 4: Plugin Delegation"): the only program that is
/// ever run. It gets the configuration as it came, and the environment of the request.
/// </summary>
public sealed class IpamDelegate
{
    /// <summary>How long a plugin may take. A DHCP server that does not answer is given up by the dhcp plugin well before.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(60);

    /// <summary>How long its pipes are read after it has ended: what it started may hold them for ever.</summary>
    private static readonly TimeSpan _rest = TimeSpan.FromSeconds(2);

    /// <summary>Maximum size of a plugin's output in bytes.</summary>
    private const int MaxAnswer = ConfigText.MaxBytes;

    private readonly string _executable;
    private readonly TimeSpan _limit;

    private IpamDelegate(string type, string executable, TimeSpan limit)
    {
        Type = type;
        _executable = executable;
        _limit = limit;
    }

    /// <summary>Marks the processes of IPAM plugins, to detect this plugin being used as its own IPAM plugin.</summary>
    private const string Guard = "IPAM_DELEGATE";

    /// <summary>The plugin's name (<c>ipam.type</c>).</summary>
    public string Type { get; }

    /// <summary>Finds a plugin.</summary>
    /// <param name="type">Its name, the name of an executable.</param>
    /// <param name="path">The directories to look in (<c>CNI_PATH</c>), in their order.</param>
    /// <param name="limit">How long each of its calls may take; <see cref="DefaultLimit"/> if not given.</param>
    /// <exception cref="CniException">Code 103: there is none, or it is the program that asks, which would run itself for ever.</exception>
    public static IpamDelegate Find(string type, ImmutableArray<string> path, TimeSpan? limit = null)
    {
        if (Environment.GetEnvironmentVariable(Guard) is not null)
        {
            // By another path, or as a copy.
            throw new CniException(CniErrorCode.IpamFailed, "ipam.type must not be this plugin");
        }

        // A name with a slash would be a way to run anything on the node.
        if (type.Length > 0 && !type.Contains('/', StringComparison.Ordinal) && type is not ("." or ".."))
        {
            foreach (string folder in path)
            {
                string file = Path.Combine(folder, type);
                if (folder.StartsWith('/') && File.Exists(file))
                {
                    return (File.ResolveLinkTarget(file, returnFinalTarget: true)?.FullName ?? file) != Environment.ProcessPath
                        ? new IpamDelegate(type, file, limit ?? DefaultLimit)
                        : throw new CniException(CniErrorCode.IpamFailed, $"ipam.type \"{SafeText.Short(type)}\" must not be this plugin");
                }
            }
        }

        throw new CniException(
            CniErrorCode.IpamFailed, $"IPAM plugin \"{SafeText.Short(type)}\" not found in CNI_PATH {string.Join(':', path)}");
    }

    /// <summary>Whether the plugin was run, whatever came of it.</summary>
    public bool WasRun { get; private set; }

    /// <summary>Whether ADD may have given something: the plugin was run, and did not say itself that it failed.</summary>
    public bool MayHaveGiven { get; private set; }

    /// <summary>Asks for addresses.</summary>
    /// <param name="request">The ADD that this is part of.</param>
    /// <param name="stop">When it is cancelled, the plugin is killed.</param>
    /// <exception cref="CniException">The plugin's own error, or code 103: it cannot be run, or its answer is not a result.</exception>
    public CniResult Add(CniRequest request, CancellationToken stop)
    {
        string answer = Execute(CniCommand.Add, request, stop);
        try
        {
            return CniResult.Read(Parse(answer), $"the result of IPAM plugin {Type}");
        }
        catch (CniException unusable)
        {
            throw new CniException(CniErrorCode.IpamFailed, unusable.Message);
        }
    }

    /// <summary>Forwards a command that has no answer: DEL, CHECK, GC, STATUS.</summary>
    /// <param name="command">The command, which may be another than the request's: a failed ADD gives back what it got.</param>
    /// <param name="request">The call that this is part of.</param>
    /// <exception cref="CniException">The plugin's own error, or code 103: it cannot be run.</exception>
    public void Forward(CniCommand command, CniRequest request) => Execute(command, request, CancellationToken.None);

    private string Execute(CniCommand command, CniRequest request, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var process = new Process();
        process.StartInfo = new ProcessStartInfo(_executable)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            WorkingDirectory = "/",
        };
        SetEnvironment(process.StartInfo.Environment, command, request);
        try
        {
            process.Start();
            WasRun = true;
            MayHaveGiven |= command == CniCommand.Add;
        }
        catch (Win32Exception failure)
        {
            throw new CniException(CniErrorCode.IpamFailed, $"cannot run IPAM plugin {Type}: {failure.Message}");
        }

        // Read while it runs: a full pipe would stop it.
        using var end = new CancellationTokenSource();
        Task<string> answer = ReadAsync(process.StandardOutput, end.Token);
        Task<string> words = ReadAsync(process.StandardError, end.Token);
        Task input = WriteAsync(process.StandardInput, request.Config.GetRawText(), end.Token);
        if (!WaitForExit(process, stop))
        {
            process.Kill(entireProcessTree: true);
            string why = stop.IsCancellationRequested ? "was killed, because a signal ended"
                : $"timed out after {_limit.TotalSeconds} s in";
            throw new CniException(CniErrorCode.IpamFailed, $"IPAM plugin {Type} {why} {command.Text()}");
        }

        // What it said is in the pipes when it ends, and is read at once.
        end.CancelAfter(_rest);
        Task.WaitAll(input, answer, words);
        return process.ExitCode == 0 ? answer.Result : throw Failure(command, process.ExitCode, answer.Result, words.Result);
    }

    /// <summary>
    /// The request's, not that of this process: GC asks for what the DEL of an attachment would, and of the arguments of a
    /// DEL those are left out that are none, and that the plugin would fail by.
    /// </summary>
    private void SetEnvironment(IDictionary<string, string?> environment, CniCommand command, CniRequest request)
    {
        environment["CNI_COMMAND"] = command.Text();
        environment[Guard] = Type;
        foreach ((string name, string value) in (ReadOnlySpan<(string, string)>)
            [
                ("CNI_CONTAINERID", request.ContainerId),
                ("CNI_NETNS", request.NetNs),
                ("CNI_IFNAME", request.IfName),
                ("CNI_ARGS", string.Join(';', request.Args.Select(pair => $"{pair.Key}={pair.Value}"))),
            ])
        {
            environment.Remove(name);
            if (value.Length > 0)
            {
                environment[name] = value;
            }
        }
    }

    /// <returns>Whether it has ended.</returns>
    private bool WaitForExit(Process process, CancellationToken stop)
    {
        try
        {
            return process.WaitForExitAsync(CancellationToken.None).Wait((int)_limit.TotalMilliseconds, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return false;
        }
    }

    private static async Task WriteAsync(StreamWriter stdin, string text, CancellationToken end)
    {
        try
        {
            await stdin.WriteAsync(text.AsMemory(), end).ConfigureAwait(false);
            await stdin.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception unread) when (unread is IOException or OperationCanceledException)
        {
            // It need not read its configuration. Its answer says how it went.
        }
    }

    private static async Task<string> ReadAsync(StreamReader stream, CancellationToken end)
    {
        var text = new StringBuilder();
        char[] buffer = new char[4096];
        try
        {
            while (await stream.ReadAsync(buffer, end).ConfigureAwait(false) is int count and > 0)
            {
                // What is too much is read, so that the plugin can end, and dropped.
                text.Append(buffer, 0, Math.Min(count, MaxAnswer - text.Length));
            }
        }
        catch (OperationCanceledException)
        {
            // Another process holds the pipe. What the plugin said has come.
        }

        return text.ToString();
    }

    /// <summary>The plugin's own error with its own code, or what else it left behind.</summary>
    private CniException Failure(CniCommand command, int exitCode, string answer, string words)
    {
        try
        {
            JsonElement error = Parse(answer);
            if (error.TryGetProperty("code", out JsonElement code) && code.ValueKind == JsonValueKind.Number
                && code.TryGetInt32(out int number) && number > 0
                && error.TryGetProperty("msg", out JsonElement message) && message.ValueKind == JsonValueKind.String)
            {
                MayHaveGiven = false;
                string details = error.TryGetProperty("details", out JsonElement more) && more.ValueKind == JsonValueKind.String
                    ? more.GetString()!
                    : "";
                return new CniException((CniErrorCode)number, $"IPAM plugin {Type}: {message.GetString()}", details);
            }
        }
        catch (CniException)
        {
            // Not an error object. What it said instead comes below.
        }

        return new CniException(
            CniErrorCode.IpamFailed,
            $"IPAM plugin {Type} ended {command.Text()} with exit code {exitCode} and no error object",
            SafeText.Short(words.Trim()));
    }

    private JsonElement Parse(string text)
    {
        try
        {
            return ConfigText.Parse(Encoding.UTF8.GetBytes(text));
        }
        catch (CniException)
        {
            throw new CniException(CniErrorCode.IpamFailed, $"the answer of IPAM plugin {Type} is not a JSON object");
        }
    }
}
