using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Cni;

/// <summary>
/// Runs the IPAM plugin of a configuration (CNI specification, "Section 4: Plugin Delegation") with the unchanged configuration
/// and the environment of the request. No other program is ever run.
/// </summary>
public sealed class IpamDelegate
{
    /// <summary>The default time limit of a call. The dhcp plugin gives up earlier if a DHCP server does not answer.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(60);

    /// <summary>Time limit for reading the pipes after exit: a child of the plugin can keep them open forever.</summary>
    private static readonly TimeSpan _drainLimit = TimeSpan.FromSeconds(2);

    /// <summary>Maximum size of a plugin's output in characters.</summary>
    private const int MaxAnswer = StrictJson.MaxBytes;

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
    /// <param name="type">The file name of the executable.</param>
    /// <param name="path">The directories to search (<c>CNI_PATH</c>), in order.</param>
    /// <param name="limit">The time limit of each call; <see cref="DefaultLimit"/> if null.</param>
    /// <exception cref="CniException">Code 103: the plugin does not exist, or it is this program, which would recurse forever.</exception>
    public static IpamDelegate Find(string type, ImmutableArray<string> path, TimeSpan? limit = null)
    {
        if (Environment.GetEnvironmentVariable(Guard) is not null)
        {
            // This program was started as an IPAM plugin, by another path or as a copy.
            throw new CniException(CniErrorCode.IpamFailed, "ipam.type must not be this plugin");
        }

        // A name with a slash could run any program of the node.
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

    /// <summary>Whether the plugin was started.</summary>
    public bool WasRun { get; private set; }

    /// <summary>Whether ADD may have allocated addresses: the plugin was started and did not return an error object.</summary>
    public bool MayHaveAssigned { get; private set; }

    /// <summary>Allocates addresses.</summary>
    /// <param name="request">The ADD request.</param>
    /// <param name="stop">Cancellation kills the plugin.</param>
    /// <exception cref="CniException">The plugin's own error, or code 103: it cannot be run, or its output is not a result.</exception>
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

    /// <summary>Forwards a command without a result: DEL, CHECK, GC or STATUS.</summary>
    /// <param name="command">The command; it can differ from the request's, because a failed ADD releases its addresses by DEL.</param>
    /// <param name="request">The request.</param>
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
            MayHaveAssigned |= command == CniCommand.Add;
        }
        catch (Win32Exception failure)
        {
            throw new CniException(CniErrorCode.IpamFailed, $"cannot run IPAM plugin {Type}: {failure.Message}");
        }

        // Read while the plugin runs: a full pipe would block it.
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

        // After exit the rest of the output is already in the pipes.
        end.CancelAfter(_drainLimit);
        Task.WaitAll(input, answer, words);
        return process.ExitCode == 0 ? answer.Result : throw Failure(command, process.ExitCode, answer.Result, words.Result);
    }

    /// <summary>
    /// Sets the variables of the request, which can differ from those of this process: GC sends a DEL for each stale attachment,
    /// and DEL omits malformed pairs of CNI_ARGS, which the plugin would reject.
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

    /// <returns>False after a timeout or cancellation.</returns>
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
            // The plugin need not read its configuration; its output decides.
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
                // Read and discard excess output, so that the plugin can exit.
                text.Append(buffer, 0, Math.Min(count, MaxAnswer - text.Length));
            }
        }
        catch (OperationCanceledException)
        {
            // Another process keeps the pipe open; the plugin's output has arrived.
        }

        return text.ToString();
    }

    /// <summary>The plugin's error object with its own code, or code 103 with its text on stderr.</summary>
    private CniException Failure(CniCommand command, int exitCode, string answer, string words)
    {
        try
        {
            JsonElement error = Parse(answer);
            if (error.TryGetProperty("code", out JsonElement code) && code.ValueKind == JsonValueKind.Number
                && code.TryGetInt32(out int number) && number > 0
                && error.TryGetProperty("msg", out JsonElement message) && message.ValueKind == JsonValueKind.String)
            {
                MayHaveAssigned = false;
                string details = error.TryGetProperty("details", out JsonElement more) && more.ValueKind == JsonValueKind.String
                    ? more.GetString()!
                    : "";
                return new CniException((CniErrorCode)number, $"IPAM plugin {Type}: {message.GetString()}", details);
            }
        }
        catch (CniException)
        {
            // Not an error object; report stderr instead.
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
            return StrictJson.Parse(Encoding.UTF8.GetBytes(text));
        }
        catch (CniException)
        {
            throw new CniException(CniErrorCode.IpamFailed, $"the answer of IPAM plugin {Type} is not a JSON object");
        }
    }
}
