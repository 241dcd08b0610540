using EgressRouter.Tools;

namespace EgressRouterCni.CommandLine;

/// <summary>An option of a verb.</summary>
/// <param name="Name">Its name, without the dashes.</param>
/// <param name="Value">What its value is called in the help; null for a switch, which has none.</param>
/// <param name="Help">What it does.</param>
internal sealed record Option(string Name, string? Value, string Help);

/// <summary>A verb of the command line.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Operands">What its operands are called in the help; empty for none.</param>
/// <param name="Operation">What it does, in a sentence.</param>
/// <param name="Options">Its options.</param>
/// <param name="Examples">Command lines that work.</param>
/// <param name="Run">Does it; returns the exit code.</param>
internal sealed record Verb(string Name, string Operands, string Operation, Option[] Options, string[] Examples, Func<Arguments, Screen, int> Run);

/// <summary>
/// The options and operands of one command line: <c>--name VALUE</c>, <c>--name=VALUE</c>, <c>--switch</c>; after
/// <c>--</c> everything is an operand. By hand: CommandLineParser adds 3.1 MB to a file that is copied to every node,
/// System.CommandLine 2.1 MB.
/// </summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, string?> _options = [];
    private readonly List<string> _operands = [];

    private Arguments()
    {
    }

    /// <summary>What is no option.</summary>
    public IReadOnlyList<string> Operands => _operands;

    /// <summary>Whether a switch is set.</summary>
    public bool Has(string name) => _options.ContainsKey(name);

    /// <summary>An option's value; null where it is not given.</summary>
    public string? Text(string name) => _options.GetValueOrDefault(name);

    /// <summary>An option's value, one of several, of which the first is the default.</summary>
    /// <exception cref="InputException">It is none of them.</exception>
    public string Choice(string name, params string[] values) => Text(name) is not string text ? values[0]
        : values.Contains(text) ? text
        : throw new InputException($"--{name} {text}: it is one of {string.Join(", ", values)}");

    /// <summary>An option's value as a number.</summary>
    /// <exception cref="InputException">It is none, or out of bounds.</exception>
    public int? Number(string name, int least, int most) => Text(name) is not string text ? null
        : int.TryParse(text, out int number) && number >= least && number <= most ? number
        : throw new InputException($"--{name} {text}: it is a number from {least} to {most}");

    /// <summary>The only operand.</summary>
    /// <exception cref="InputException">There is none, or there are several.</exception>
    public string Operand(string name) => _operands.Count == 1 ? _operands[0]
        : throw new InputException(_operands.Count == 0 ? $"{name} is missing" : $"one {name} is expected, not {_operands.Count}");

    /// <summary>Reads what stands behind the verb.</summary>
    /// <exception cref="InputException">An option is unknown, given twice, or lacks its value.</exception>
    public static Arguments Read(ReadOnlySpan<string> words, Verb verb)
    {
        var read = new Arguments();
        for (int i = 0; i < words.Length; i++)
        {
            if (words[i] == "--")
            {
                read._operands.AddRange(words[(i + 1)..]);
                break;
            }

            if (!words[i].StartsWith("--", StringComparison.Ordinal))
            {
                read._operands.Add(words[i]);
                continue;
            }

            int equals = words[i].IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? words[i][2..] : words[i][2..equals];
            Option option = verb.Options.FirstOrDefault(known => known.Name == name)
                ?? throw new InputException($"{verb.Name} has no option --{name}: see egress-router {verb.Name} --help");
            string? value = option.Value is null ? null
                : equals >= 0 ? words[i][(equals + 1)..]
                : i + 1 < words.Length ? words[++i]
                : throw new InputException($"--{name} needs a value: {option.Value}");
            if ((option.Value is null && equals >= 0) || !read._options.TryAdd(name, value))
            {
                throw new InputException(option.Value is null && equals >= 0 ? $"--{name} takes no value" : $"--{name} is given twice");
            }
        }

        return read._operands.Count == 0 || verb.Operands.Length > 0
            ? read : throw new InputException($"{verb.Name} takes no operand: {read._operands[0]}");
    }
}
