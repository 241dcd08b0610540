using System.Text;
using Cni;

namespace EgressRouterCtl.Output;

/// <summary>Errors and warnings for people. Control characters are escaped.</summary>
internal static class StandardError
{
    /// <summary>One line, which begins with the program's name.</summary>
    public static void WriteError(string message)
    {
        try
        {
            Write("egress-routerctl: " + message);
        }
        catch (Exception silent) when (silent is IOException or UnauthorizedAccessException)
        {
            // Nobody reads it. The exit code tells.
        }
    }

    public static void Write(string text)
    {
        using Stream stderr = Console.OpenStandardError();
        stderr.Write(Encoding.UTF8.GetBytes(string.Join('\n', text.Split('\n').Select(line => SafeText.Escape(line))) + "\n"));
    }
}
