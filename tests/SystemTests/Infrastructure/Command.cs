using System.Diagnostics;
using System.Globalization;

namespace SystemTests;

/// <summary>What a program answered.</summary>
internal sealed record CommandResult(int ExitCode, string Stdout, string Stderr)
{
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"exit code {ExitCode}\nstdout: {Stdout}\nstderr: {Stderr}");
}

/// <summary>Runs programs, each bounded in time, with an argument array and no shell.</summary>
internal static class Command
{
    private static readonly TimeSpan _timeLimit = TimeSpan.FromSeconds(20);

    private static readonly string[] _folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    /// <summary>Runs a program and returns what it answered, whatever that is.</summary>
    /// <param name="program">A name, or a path.</param>
    /// <param name="arguments">Its arguments, as it shall see them.</param>
    /// <param name="stdin">Its standard input.</param>
    /// <param name="environment">Its whole environment; null: that of the test.</param>
    /// <param name="limit">How long it may take; null: 20 s.</param>
    public static CommandResult Run(
        string program, IEnumerable<string> arguments, string stdin = "", IReadOnlyDictionary<string, string>? environment = null,
        TimeSpan? limit = null)
    {
        TimeSpan timeLimit = limit ?? _timeLimit;
        var start = new ProcessStartInfo(PathOf(program), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (environment is not null)
        {
            start.Environment.Clear();
            foreach (var (name, value) in environment)
            {
                start.Environment[name] = value;
            }
        }

        using Process process = Process.Start(start)!;
        Task<string> stdout = process.StandardOutput.ReadToEndAsync();
        Task<string> stderr = process.StandardError.ReadToEndAsync();
        try
        {
            process.StandardInput.Write(stdin);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // EPIPE: the program ended without reading all of its input, which it may.
        }

        if (!process.WaitForExit(timeLimit))
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            throw new TimeoutException($"{program} {string.Join(' ', start.ArgumentList)} ran longer than {timeLimit.TotalSeconds} s");
        }

        return new CommandResult(process.ExitCode, stdout.GetAwaiter().GetResult(), stderr.GetAwaiter().GetResult());
    }

    /// <summary>Runs a program that must succeed, and returns its standard output.</summary>
    public static string Must(string program, IEnumerable<string> arguments, string stdin = "")
    {
        string[] list = [.. arguments];
        CommandResult result = Run(program, list, stdin);
        return result.ExitCode == 0
            ? result.Stdout
            : throw new InvalidOperationException($"{program} {string.Join(' ', list)}: {result}\nstdin: {stdin}");
    }

    private static string PathOf(string program) =>
        program.Contains('/', StringComparison.Ordinal)
            ? program
            : _folders.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists)
                ?? throw new FileNotFoundException($"{program} is not installed: scripts/install-dependencies.sh");
}
