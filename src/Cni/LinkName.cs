using System.Text;

namespace Cni;

/// <summary>Validates interface names by the kernel's rules (dev_valid_name and dev_prep_valid_name in net/core/dev.c).</summary>
public static class LinkName
{
    /// <summary>The maximum length of a name in bytes: IFNAMSIZ without the NUL.</summary>
    public const int MaxBytes = 15;

    /// <summary>The maximum length of an alternative name (<c>altname</c>) in bytes: ALTIFNAMSIZ without the NUL.</summary>
    public const int MaxAlternativeBytes = 127;

    /// <summary>The reason why the name is invalid, or null if it is valid.</summary>
    public static string? WhyNot(string name, int maxBytes = MaxBytes)
    {
        if (name.Length == 0 || Encoding.UTF8.GetByteCount(name) > maxBytes)
        {
            return $"an interface name has 1 to {maxBytes} bytes";
        }

        // /proc/sys/net/ipv4/conf has directories "all" and "default".
        if (name is "." or ".." or "all" or "default")
        {
            return "the name is reserved";
        }

        foreach (char character in name)
        {
            // '%': the kernel treats "net%d" as a template and would create "net0".
            if (character is '/' or ':' or '%' || char.IsWhiteSpace(character) || char.IsControl(character))
            {
                return "an interface name has no '/', ':', '%', white space or control character";
            }

            // Invalid UTF-8 decodes to this character; the kernel's name would differ from the runtime's.
            if (character == '\uFFFD')
            {
                return "the name is not UTF-8";
            }
        }

        return null;
    }
}
