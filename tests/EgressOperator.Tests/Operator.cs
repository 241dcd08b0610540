using System.Diagnostics;
using Shared;

namespace EgressOperator.Tests;

/// <summary>What a run of the program has left.</summary>
internal sealed record Outcome(int ExitCode, string Stdout, string Stderr);

/// <summary>The program: as the compiler makes it, not native, or the executable that EGRESS_OPERATOR names.</summary>
internal static class Operator
{
    /// <summary>Where the compiler has put it with all that it needs; beside the tests are only parts of that.</summary>
    private static readonly string _program = Repository.PathOf(
        "src", "EgressOperator", "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0", "linux-x64",
        "egress-operator.dll");

    private static readonly string? _native = Environment.GetEnvironmentVariable("EGRESS_OPERATOR");

    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(1);

    /// <summary>Starts it in a folder, or in the root of the repository.</summary>
    public static Process Start(string[] arguments, string? folder = null) => Process.Start(
        new ProcessStartInfo(
            _native ?? (Environment.ProcessPath is string host && Path.GetFileName(host) == "dotnet" ? host : "dotnet"),
            _native is null ? ["exec", _program, .. arguments] : arguments)
        {
            WorkingDirectory = folder ?? Repository.Root,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;

    /// <summary>Runs it.</summary>
    /// <param name="arguments">Separated by blanks.</param>
    /// <param name="stdin">What it reads.</param>
    /// <param name="folder">Where it runs; null: in the root of the repository.</param>
    public static Outcome Run(string arguments, string stdin = "", string? folder = null)
    {
        using Process process = Start(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), folder);
        Task<string> stdout = process.StandardOutput.ReadToEndAsync();
        Task<string> stderr = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(stdin);
        process.StandardInput.Close();
        if (!process.WaitForExit(_limit))
        {
            process.Kill();
            throw new TimeoutException($"egress-operator {arguments} takes longer than {_limit}");
        }

        return new Outcome(process.ExitCode, stdout.Result, stderr.Result);
    }
}
