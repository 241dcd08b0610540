using System.Runtime.InteropServices;

namespace EgressOperator;

/// <summary>How glibc resolves the name of the API server.</summary>
internal static partial class NameService
{
    /// <summary>
    /// Only by what is in glibc itself. A static executable crashes in a shared library that /etc/nsswitch.conf names, for example
    /// "myhostname", if the machine has another glibc than the executable.
    /// </summary>
    public static void UseNoSharedLibraries()
    {
        foreach ((string database, string services) in ((string, string)[])[("hosts", "files dns"), ("passwd", "files")])
        {
            if (Configure(database, services) != 0)
            {
                throw new InvalidOperationException($"glibc refuses the services of {database}");
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "__nss_configure_lookup", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Configure(string database, string services);
}
