using System.Text;

namespace EgressRouter.Config;

/// <summary>Names of links, by the kernel's rules (dev_valid_name in net/core/dev.c).</summary>
internal static class LinkName
{
    /// <summary>The longest name in bytes: IFNAMSIZ without the NUL.</summary>
    public const int MaxBytes = 15;

    /// <summary>The longest alternative name (<c>altname</c>) in bytes: ALTIFNAMSIZ without the NUL.</summary>
    public const int MaxAlternativeBytes = 127;

    /// <summary>Why no link can have this name; null when one can.</summary>
    public static string? WhyNot(string name, int maxBytes = MaxBytes)
    {
        if (Encoding.UTF8.GetByteCount(name) > maxBytes)
        {
            return $"an interface name has at most {maxBytes} bytes";
        }

        if (name is "." or ".." or "all" or "default")
        {
            return "is not a possible interface name";
        }

        foreach (char c in name)
        {
            if (c is '/' or ':' || char.IsWhiteSpace(c) || char.IsControl(c))
            {
                return "an interface name has no slash, colon, white space or control character";
            }
        }

        return null;
    }
}
