using System.Runtime.InteropServices;

namespace EgressRouterCni;

/// <summary>
/// The end of the process, at once. On its own way out .NET puts back the default action of SIGTERM first: an ADD that has
/// printed its result could still be ended as one that has failed.
/// </summary>
internal static partial class ProcessEnd
{
    /// <summary>Ends the process: nothing is flushed, closed or restored.</summary>
    /// <param name="exitCode">What the runtime sees.</param>
    [LibraryImport("libc", EntryPoint = "_exit")]
    public static partial void Now(int exitCode);
}
