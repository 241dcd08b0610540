using System.Diagnostics;
using System.Text.Json.Nodes;
using Shared;

namespace EgressOperator.Tests;

/// <summary>kubectl, as a user runs it in the root of the repository.</summary>
internal sealed class Kubectl(string program, string kubeconfig)
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(1);

    /// <summary>The file that names the server, and the user.</summary>
    public string Kubeconfig { get; } = kubeconfig;

    /// <summary>Runs it, and returns what it prints; fails if it does.</summary>
    /// <param name="arguments">Separated by blanks.</param>
    /// <param name="stdin">What it reads.</param>
    public string Must(string arguments, string stdin = "")
    {
        Outcome outcome = Run(arguments, stdin);
        Assert.True(outcome.ExitCode == 0, $"kubectl {arguments}: {outcome}");
        return outcome.Stdout;
    }

    /// <summary>Runs it with <c>-o json</c>.</summary>
    public JsonNode Json(string arguments) => JsonNode.Parse(Must($"{arguments} -o json"))!;

    public Outcome Run(string arguments, string stdin = "")
    {
        using Process process = Process.Start(
            new ProcessStartInfo(program, arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                WorkingDirectory = Repository.Root,
                // It also keeps a cache there.
                Environment = { ["KUBECONFIG"] = Kubeconfig, ["HOME"] = Path.GetDirectoryName(Kubeconfig) },
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        Task<string> stdout = process.StandardOutput.ReadToEndAsync();
        Task<string> stderr = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(stdin);
        process.StandardInput.Close();
        if (!process.WaitForExit(_limit))
        {
            process.Kill();
            throw new TimeoutException($"kubectl {arguments} takes longer than {_limit}");
        }

        return new Outcome(process.ExitCode, stdout.GetAwaiter().GetResult(), stderr.GetAwaiter().GetResult());
    }
}
