using System.Collections.Immutable;

namespace Cni;

/// <summary>The supported versions of the CNI specification, in ascending order.</summary>
public enum CniVersion
{
    /// <summary>0.1.0: results with <c>ip4</c> and <c>ip6</c>. The default for a configuration without a version.</summary>
    V010,

    /// <summary>0.2.0: adds VERSION.</summary>
    V020,

    /// <summary>0.3.0: results with lists of interfaces, addresses and routes.</summary>
    V030,

    /// <summary>0.3.1: corrects the text of 0.3.0.</summary>
    V031,

    /// <summary>0.4.0: adds CHECK; DEL gets the previous result.</summary>
    V040,

    /// <summary>1.0.0: addresses without the member <c>version</c>.</summary>
    V100,

    /// <summary>1.1.0: adds STATUS and GC; MTU of interfaces; MTU, priority, table and scope of routes.</summary>
    V110,
}

/// <summary>Converts versions from and to the text of <c>cniVersion</c>.</summary>
public static class CniVersions
{
    /// <summary>All supported versions in ascending order, as VERSION returns them.</summary>
    public static ImmutableArray<CniVersion> All { get; } =
    [
        CniVersion.V010,
        CniVersion.V020,
        CniVersion.V030,
        CniVersion.V031,
        CniVersion.V040,
        CniVersion.V100,
        CniVersion.V110,
    ];

    /// <summary>The newest supported version.</summary>
    public static CniVersion Newest => All[^1];

    /// <summary>The version as the specification writes it, such as <c>0.4.0</c>.</summary>
    /// <param name="version">The version.</param>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a defined version.</exception>
    public static string Text(this CniVersion version) => version switch
    {
        CniVersion.V010 => "0.1.0",
        CniVersion.V020 => "0.2.0",
        CniVersion.V030 => "0.3.0",
        CniVersion.V031 => "0.3.1",
        CniVersion.V040 => "0.4.0",
        CniVersion.V100 => "1.0.0",
        CniVersion.V110 => "1.1.0",
        _ => throw new ArgumentOutOfRangeException(nameof(version), version, null),
    };

    /// <summary>
    /// Parses a version. As in the reference library the text must match exactly, without <c>v</c> or blanks.
    /// (<c>Enum.TryParse</c> instead accepts the names of the enum members.)
    /// </summary>
    /// <param name="text">A version such as <c>0.4.0</c>.</param>
    /// <param name="version">The parsed version.</param>
    /// <returns>Whether the version is supported.</returns>
    public static bool TryParse(string? text, out CniVersion version)
    {
        foreach (CniVersion candidate in All)
        {
            if (candidate.Text() == text)
            {
                version = candidate;
                return true;
            }
        }

        version = default;
        return false;
    }
}
