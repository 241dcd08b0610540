using System.Text;
using Cni;

namespace Terminal;

/// <summary>Writes errors and warnings. Control characters are escaped.</summary>
internal static class StandardError
{
    /// <summary>Writes a message after the program's name.</summary>
    public static void WriteError(string message)
    {
        try
        {
            Write($"{BuildInfo.Name}: {message}");
        }
        catch (Exception silent) when (silent is IOException or UnauthorizedAccessException)
        {
            // Standard error is closed or full; the exit code still reports the failure.
        }
    }

    public static void Write(string text)
    {
        using Stream stderr = Console.OpenStandardError();
        stderr.Write(Encoding.UTF8.GetBytes(string.Join('\n', text.Split('\n').Select(line => SafeText.Escape(line))) + "\n"));
    }
}
