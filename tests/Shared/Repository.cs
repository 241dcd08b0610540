namespace Shared;

/// <summary>Locates the repository, so that tests find testdata/ and out/ from any working directory.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot(AppContext.BaseDirectory);

    /// <summary>Returns the absolute path of a file or folder, given relative to the repository's root.</summary>
    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    private static string FindRoot(string start)
    {
        for (var directory = new DirectoryInfo(start); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "EgressRouterCni.sln")))
            {
                return directory.FullName;
            }
        }

        throw new DirectoryNotFoundException($"no EgressRouterCni.sln in {start} or above it");
    }
}
