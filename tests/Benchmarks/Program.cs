// What egress-router costs, beside a ruleset of one rule a destination: `make bench`. Everything that is compared is
// measured side by side in one run. It prints numbers and judges none: a slow machine is no failure.
using System.Globalization;
using System.Runtime.InteropServices;
using Benchmarks;
using SystemTests;

if (!Environment.IsPrivilegedProcess)
{
    Console.Error.WriteLine("bench: it makes network namespaces, which needs root: sudo make bench");
    return 1;
}

(string Name, Action<CancellationToken> Run)[] all =
[
    ("compare", ComparisonBenchmark.Run), ("mounts", MountBenchmark.Run), ("instructions", InstructionBenchmark.Run),
    ("destinations", AddBenchmark.Run), ("growth", GrowthBenchmark.Run), ("connect", ConnectBenchmark.Run),
    ("throughput", ThroughputBenchmark.Run), ("announce", AnnounceBenchmark.Run),
    ("egress-ip", EgressIpBenchmark.Run), ("egress-scale", EgressScaleBenchmark.Run),
];
if (args.FirstOrDefault(name => !all.Any(part => part.Name == name)) is { } unknown)
{
    Console.Error.WriteLine($"bench: there is no part {unknown}; there are: {string.Join(' ', all.Select(part => part.Name))}");
    return 1;
}

if (Executables.Plugins.FirstOrDefault(plugin => !File.Exists(plugin.Path)) is { Path: { } absent })
{
    Console.Error.WriteLine($"bench: there is no executable {absent}");
    return 1;
}

using var stop = new CancellationTokenSource();
void Interrupt(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}

using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Interrupt);

string kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, Linux {kernel}, {Environment.ProcessorCount} CPUs"));
try
{
    foreach (var (_, run) in all.Where(one => args.Length == 0 || args.Contains(one.Name)))
    {
        run(stop.Token);
    }

    return 0;
}
catch (Exception) when (stop.IsCancellationRequested)
{
    // Whatever it was: Ctrl-C also ends the program that was being waited for.
    Console.Error.WriteLine("bench: interrupted");
    return 130;
}
catch (Exception fault)
{
    // Caught, so that what is below is certain to run.
    Console.Error.WriteLine($"bench: {fault}");
    return 1;
}
finally
{
    RemoveNamespaces();
}

// Each Lab removes its own. What is left is of one that Ctrl-C hit between the making of a namespace and the noting of it.
static void RemoveNamespaces()
{
    if (Directory.Exists("/run/netns"))
    {
        foreach (string path in Directory.EnumerateFiles("/run/netns", $"er-*-{Environment.ProcessId}-*"))
        {
            _ = Command.Run("ip", ["netns", "delete", Path.GetFileName(path)]);
        }
    }
}
