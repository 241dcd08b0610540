using System.Collections.Immutable;

namespace Cni;

/// <summary>The versions of the CNI specification that this library speaks, oldest first: they compare by age.</summary>
public enum CniVersion
{
    /// <summary>0.1.0: results with <c>ip4</c> and <c>ip6</c>. A configuration that names no version counts as this one.</summary>
    V010,

    /// <summary>0.2.0: adds VERSION.</summary>
    V020,

    /// <summary>0.3.0: results with lists of interfaces, addresses and routes.</summary>
    V030,

    /// <summary>0.3.1: a correction of 0.3.0's text.</summary>
    V031,

    /// <summary>0.4.0: adds CHECK; DEL gets the previous result.</summary>
    V040,

    /// <summary>1.0.0: addresses without the member <c>version</c>.</summary>
    V100,

    /// <summary>1.1.0: adds STATUS and GC; MTU of interfaces; MTU, priority, table and scope of routes.</summary>
    V110,
}

/// <summary>The versions as text, as in <c>cniVersion</c>.</summary>
public static class CniVersions
{
    /// <summary>Every version spoken, oldest first: what VERSION answers.</summary>
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

    /// <summary>The newest version spoken.</summary>
    public static CniVersion Newest => All[^1];

    /// <summary>The version as the specification writes it, such as <c>0.4.0</c>.</summary>
    /// <param name="version">The version.</param>
    /// <exception cref="ArgumentOutOfRangeException">Not one of the versions.</exception>
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
    /// Reads a version. The text must match to the letter, as in the reference library: no <c>v1.0</c>, no blanks.
    /// (Not to be mixed up with <c>CniVersion.TryParse</c>, which every enum has and which knows the members' names only.)
    /// </summary>
    /// <param name="text">Such as <c>0.4.0</c>.</param>
    /// <param name="version">The version, if there is one.</param>
    /// <returns>Whether this library speaks that version.</returns>
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
