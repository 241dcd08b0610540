using System.Diagnostics;
using Shared;

namespace ApiServer;

/// <summary>What kubectl answered.</summary>
/// <param name="ExitCode">0: it has succeeded.</param>
public sealed record KubectlResult(int ExitCode, string Stdout, string Stderr);

/// <summary>kubectl, as a user of the server: <c>out/apiserver/kubectl</c> if it is there, else the one of PATH.</summary>
public sealed class Kubectl : IDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    // kubectl keeps what it has discovered, by the server's address: each server has a cache of its own.
    private readonly string _home = Directory.CreateTempSubdirectory("kubectl-").FullName;

    private readonly string _kubeconfig;

    /// <summary>For a server that this process runs.</summary>
    public Kubectl(KubeApiServer server)
    {
        _kubeconfig = Path.Combine(_home, "kubeconfig");
        server.WriteKubeconfig(_kubeconfig);
    }

    /// <summary>For any server.</summary>
    public Kubectl(string kubeconfig) => _kubeconfig = kubeconfig;

    private static string Program { get; } =
        File.Exists(Repository.PathOf("out", "apiserver", "kubectl")) ? Repository.PathOf("out", "apiserver", "kubectl") : "kubectl";

    /// <summary>Runs it; it must succeed.</summary>
    /// <param name="arguments">Separated by blanks.</param>
    /// <param name="editor">A shell command that changes the file whose name follows, for <c>kubectl edit</c>.</param>
    /// <returns>Its standard output.</returns>
    /// <exception cref="InvalidOperationException">It has failed.</exception>
    public string Run(string arguments, string stdin = "", string? editor = null)
    {
        KubectlResult result = Try(arguments, stdin, editor);
        return result.ExitCode == 0 ? result.Stdout : throw new InvalidOperationException($"kubectl {arguments}: {result}");
    }

    /// <summary>Runs it, whatever comes of it.</summary>
    /// <param name="arguments">Separated by blanks.</param>
    /// <param name="editor">A shell command that changes the file whose name follows, for <c>kubectl edit</c>.</param>
    /// <exception cref="TimeoutException">It has not ended within 30 s.</exception>
    public KubectlResult Try(string arguments, string stdin = "", string? editor = null)
    {
        using Process process = Start(arguments, editor);
        process.StandardInput.Write(stdin);
        process.StandardInput.Close();
        Task<string> stdout = process.StandardOutput.ReadToEndAsync();
        Task<string> stderr = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(_limit))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"kubectl {arguments} takes longer than {_limit.TotalSeconds} s");
        }

        return new KubectlResult(process.ExitCode, stdout.Result, stderr.Result);
    }

    /// <summary>Starts it, for what does not end by itself: <c>get --watch</c>. The caller kills it.</summary>
    /// <param name="arguments">Separated by blanks.</param>
    /// <param name="editor">A shell command that changes the file whose name follows, for <c>kubectl edit</c>.</param>
    public Process Start(string arguments, string? editor = null)
    {
        var start = new ProcessStartInfo(
            Program, ["--kubeconfig", _kubeconfig, .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)])
        {
            WorkingDirectory = Repository.Root,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["HOME"] = _home;
        if (editor is not null)
        {
            start.Environment["KUBE_EDITOR"] = editor;
        }

        return Process.Start(start)!;
    }

    /// <summary>Removes what it has kept.</summary>
    public void Dispose() => Directory.Delete(_home, recursive: true);
}
