using Cni;
using EgressRouter.Tools;
using Netlink;

namespace EgressRouterCni.CommandLine;

/// <summary>The command line: chooses the verb, and turns what goes wrong into one line and an exit code.</summary>
internal static class OperatorTools
{
    /// <summary>All is well.</summary>
    public const int Fine = 0;

    /// <summary>What was looked for was found: a fault, a difference, a broken hop.</summary>
    public const int Found = 1;

    /// <summary>The question cannot be answered: bad usage, an unreadable file, no privilege.</summary>
    public const int Unable = 2;

    /// <summary>Serves one command line.</summary>
    /// <param name="words">The arguments, one at least.</param>
    /// <param name="stdin">The standard input.</param>
    /// <param name="stdout">The standard output.</param>
    /// <param name="stderr">Where it is said why a question cannot be answered.</param>
    /// <returns>The exit code.</returns>
    public static int Run(string[] words, Stream stdin, Stream stdout, TextWriter stderr)
    {
        Verb[] verbs = Verbs.All(stdin);
        using Screen screen = Screen.Open(stdout);
        try
        {
            if (words is ["--version"])
            {
                screen.Line(BuildInfo.Text);
                return Fine;
            }

            Verb? verb = verbs.FirstOrDefault(verb => verb.Name == words[0]);
            if (words.Any(word => word is "--help" or "-h") || words is ["help"])
            {
                if (verb is null)
                {
                    Help.Write(screen, verbs);
                }
                else
                {
                    Help.Write(screen, verb);
                }

                return Fine;
            }

            return verb is null
                ? throw new InputException($"there is no verb {words[0]}: it is one of {string.Join(", ", verbs.Select(known => known.Name))}")
                : verb.Run(Arguments.Read(words.AsSpan(1), verb), screen);
        }
        catch (Exception failure) when (IsExpected(failure))
        {
            screen.Flush();
            stderr.WriteLine($"egress-router: {failure.Message}");
            return Unable;
        }
    }

    /// <summary>Whether it is a failure whose message says all.</summary>
    public static bool IsExpected(Exception failure) =>
        failure is InputException or CniException or NetlinkException or IOException or UnauthorizedAccessException;
}
