namespace EgressRouter.Kernel;

/// <summary>
/// Kernel parameters of the calling thread's network namespace: /proc/sys/net follows the thread that opens it
/// (network_namespaces(7)).
/// </summary>
internal static class KernelParameters
{
    private const string Root = "/proc/sys/";

    /// <summary>The value, without white space around it; null where the kernel has no such parameter.</summary>
    public static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(Root + path).Trim();
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <exception cref="IOException">It is not there, or the kernel refuses the value.</exception>
    /// <exception cref="UnauthorizedAccessException">/proc/sys is read-only, or not ours.</exception>
    public static void Write(string path, string value)
    {
        // Opened as it is, never created; the value must arrive in one write.
        using var file = new FileStream(Root + path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        file.Write(System.Text.Encoding.ASCII.GetBytes(value));
    }
}
