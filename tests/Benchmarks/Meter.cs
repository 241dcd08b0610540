using System.Globalization;
using Shared;
using SystemTests;

namespace Benchmarks;

/// <summary>What runs of a program cost.</summary>
/// <param name="name">Its name in reports.</param>
/// <param name="wrapper">A program, with its arguments, that runs what measures: the start of the measured program comes after it.</param>
internal sealed class Meter(string name, params string[] wrapper)
{
    private static readonly Lazy<string> _measure = new(() => Compile("measure"));

    private readonly Samples _times = new();
    private readonly Samples _processor = new();
    private long _memory;

    public string Name => name;

    public Samples Times => _times;

    public Samples Processor => _processor;

    /// <summary>The most that any process of it had, in MiB.</summary>
    public double Memory => _memory / 1024.0;

    /// <summary>Compiles one of the C programs here, statically.</summary>
    public static string Compile(string name)
    {
        string program = Repository.PathOf("out", "bench-" + name);
        Command.Must("gcc",
            ["-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-s", "-o", program,
                Repository.PathOf("tests", "Benchmarks", name + ".c")]);
        return program;
    }

    /// <summary>Runs it once, from its start to its end.</summary>
    /// <param name="node">The namespace that it runs in.</param>
    /// <param name="stdin">A file that it reads.</param>
    /// <param name="environment">Its variables.</param>
    /// <param name="command">The program's path, and its arguments.</param>
    /// <param name="counts">Whether it is one of the measured runs.</param>
    /// <param name="stdout">A file that it writes.</param>
    public void Run(
        string node, string stdin, IReadOnlyDictionary<string, string> environment, string[] command, bool counts,
        string stdout = "/dev/null")
    {
        string[] all = [.. wrapper, _measure.Value, Lab.PathOf(node), stdin, stdout, .. command];
        CommandResult result = Command.Run(all[0], all[1..], environment: environment);
        Assert.True(result.ExitCode == 0, $"{name}: {result}{File.ReadAllText(stdout)}");
        if (counts)
        {
            long[] numbers = [.. result.Stdout.Split(' ').Select(number => long.Parse(number, CultureInfo.InvariantCulture))];
            _times.Add(TimeSpan.FromMicroseconds(numbers[0]));
            _processor.Add(TimeSpan.FromMicroseconds(numbers[1] + numbers[2]));
            lock (_times)
            {
                _memory = Math.Max(_memory, numbers[3]);
            }
        }
    }
}
