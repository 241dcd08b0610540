using System.Text;

namespace Cni;

/// <summary>Names of network interfaces, by the kernel's rules (dev_valid_name and dev_prep_valid_name in net/core/dev.c).</summary>
public static class LinkName
{
    /// <summary>The longest name in bytes: IFNAMSIZ without the NUL.</summary>
    public const int MaxBytes = 15;

    /// <summary>The longest alternative name (<c>altname</c>) in bytes: ALTIFNAMSIZ without the NUL.</summary>
    public const int MaxAlternativeBytes = 127;

    /// <summary>Why no interface can have this name; null if one can.</summary>
    public static string? WhyNot(string name, int maxBytes = MaxBytes)
    {
        if (name.Length == 0 || Encoding.UTF8.GetByteCount(name) > maxBytes)
        {
            return $"an interface name has 1 to {maxBytes} bytes";
        }

        // "all" and "default" are directories of /proc/sys/net/ipv4/conf.
        if (name is "." or ".." or "all" or "default")
        {
            return "the name is reserved";
        }

        foreach (char character in name)
        {
            // '%': the kernel would take "net%d" for a template and make a net0 of it.
            if (character is '/' or ':' or '%' || char.IsWhiteSpace(character) || char.IsControl(character))
            {
                return "an interface name has no '/', ':', '%', white space or control character";
            }

            // Bytes that are not UTF-8 are decoded to this; the kernel's name would differ from the runtime's.
            if (character == '\uFFFD')
            {
                return "the name is not UTF-8";
            }
        }

        return null;
    }
}
