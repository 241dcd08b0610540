using System.Text;
using Cni;
using EgressRouter.Config;
using EgressRouter.Tools;
using EgressRouterCni.Logging;
using Microsoft.Win32.SafeHandles;
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
    /// <returns>The exit code.</returns>
    public static int Run(string[] words)
    {
        try
        {
            if (!StandardStream.IsOpen(1))
            {
                throw new IOException("standard output: it is closed");
            }

            using AppendStream stdout = Output(1);
            using Screen screen = Screen.Open(stdout);
            using var stdin = new StandardStream(0, Timeout.InfiniteTimeSpan);
            return Run(words, stdin, screen);
        }
        catch (Exception failure) when (IsExpected(failure))
        {
            Complain(failure.Message);
            return Unable;
        }
        catch (Exception unexpected)
        {
            // The tools' own catch-all: what strangers have made in a pod must not end with a core dump.
            Complain($"internal error, please report it: {unexpected.GetType().Name}: {unexpected.Message}\n{unexpected.StackTrace}");
            return Unable;
        }
    }

    /// <summary>Whether a failure tells by its message what is wrong with the question or the machine.</summary>
    public static bool IsExpected(Exception failure) => failure is InputException or CniException or NetlinkException or IOException or UnauthorizedAccessException;

    /// <summary>Says on the standard error why a question cannot be answered.</summary>
    public static void Complain(string message)
    {
        try
        {
            WriteError("egress-router: " + message);
        }
        catch (Exception silent) when (silent is IOException or UnauthorizedAccessException)
        {
            // Nobody listens: the exit code says it.
        }
    }

    /// <summary>Writes lines to the standard error; nothing in them commands a terminal.</summary>
    public static void WriteError(string text)
    {
        using AppendStream stderr = Output(2);
        stderr.Write(Encoding.UTF8.GetBytes(string.Join('\n', text.Split('\n').Select(line => Shown.Whole(line))) + "\n"));
    }

    /// <summary>
    /// Neither as <see cref="Console"/> does, which puts a terminal into another mode, nor a <see cref="FileStream"/>, which
    /// writes to a place in a file, where others write too.
    /// </summary>
    private static AppendStream Output(int descriptor) =>
        new(new SafeFileHandle(descriptor, ownsHandle: false), reason => throw new IOException(reason));

    private static int Run(string[] words, Stream stdin, Screen screen)
    {
        if (words is ["--version"])
        {
            screen.Line(BuildInfo.Text);
            return Fine;
        }

        Verb[] verbs = Verbs.All(stdin);
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
}
