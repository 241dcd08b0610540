using CommandLine;
using EgressRouter.Legacy;
using EgressRouter.Tools;

namespace EgressRouterCtl.Proxies;

/// <summary>The common part of the two proxy commands.</summary>
internal abstract class ProxyCommand(ProxyProgram program, string variable) : Command
{
    /// <summary>The default folder of configurations and sockets.</summary>
    public const string DefaultDirectory = "/run/egress-router";

    [Option("file", MetaValue = "PATH",
        HelpText = "The list, instead of the variable. SIGHUP reads it again; connections are not interrupted.")]
    public string? ListFile { get; set; }

    [Option("interface", MetaValue = "NAME", HelpText = "Name of the egress interface; the default is the router's, net1 or macvlan0.")]
    public string? Interface { get; set; }

    [Option("directory", MetaValue = "PATH", Default = DefaultDirectory, HelpText = "Folder of its configuration and socket.")]
    public string Folder { get; set; } = "";

    [Option("print", HelpText = "Print the configuration, and run nothing.")]
    public bool Print { get; set; }

    /// <summary>Returns the program's configuration; adds the list's faults to <paramref name="faults"/>.</summary>
    protected abstract string Configure(string? list, Func<ProxyPod> readPod, ICollection<LegacyFault> faults);

    protected override int Run(CommandContext context)
    {
        if (ListFile == "-")
        {
            throw new UsageException("--file -: the list must be a file: SIGHUP reads it again");
        }

        using ProxySignals? signals = Print ? null : new ProxySignals();
        if (ReadList(context.Stdin) is not (string text, ProxyPod pod))
        {
            return ExitCode.ProblemsFound;
        }

        if (signals is null)
        {
            context.Screen.Lines(program.Printed(text));
            return ExitCode.Ok;
        }

        string path = program.Write(Folder, text, pod);
        if (ListFile is null)
        {
            program.Exec(path);
        }

        return program.Supervise(path, signals, () =>
        {
            try
            {
                if (ReadList(context.Stdin) is (string changed, ProxyPod now))
                {
                    if (changed == File.ReadAllText(path))
                    {
                        StandardError.WriteError($"{ListFile} says the same as before");
                        return false;
                    }

                    _ = program.Write(Folder, changed, now);
                    StandardError.WriteError($"{ListFile} is read again");
                    return true;
                }
            }
            catch (Exception failure) when (ProgramInfo.IsExpected(failure))
            {
                StandardError.WriteError(failure.Message);
            }

            StandardError.WriteError($"{program.Name} goes on with what it had");
            return false;
        });
    }

    /// <summary>Returns the program's configuration and its pod, or null after printing the list's faults.</summary>
    private (string Text, ProxyPod Pod)? ReadList(Stream stdin)
    {
        ProxyPod? pod = null;
        var faults = new List<LegacyFault>();
        string? list = ListFile is null ? Environment.GetEnvironmentVariable(variable) : TextFile.Read(ListFile, stdin).Text;
        string text = Configure(list, () => pod = ProxyPodReader.Read(Interface, Folder), faults);
        foreach (LegacyFault fault in faults)
        {
            StandardError.WriteError($"{ListFile ?? variable}{(fault.Line > 0 ? $":{fault.Line}" : "")}: {fault.Reason}");
        }

        return faults.Count == 0 && pod is not null ? (text, pod) : null;
    }

    protected static bool IsSet(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 };
}
