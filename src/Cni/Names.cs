using System.Text;

namespace Cni;

/// <summary>
/// Which names are names. By hand and not by regular expression: this runs at every start, and the expression's engine
/// would cost more than the whole check.
/// </summary>
public static class Names
{
    /// <summary>IFNAMSIZ of linux/if.h without the closing NUL.</summary>
    private const int MaxInterfaceNameBytes = 15;

    /// <summary>Container ids and network names: <c>^[a-zA-Z0-9][a-zA-Z0-9_.\-]*$</c>, in any length.</summary>
    public static bool IsIdentifier(string name)
    {
        if (name.Length == 0 || !char.IsAsciiLetterOrDigit(name[0]))
        {
            return false;
        }

        foreach (char character in name)
        {
            if (!char.IsAsciiLetterOrDigit(character) && character is not ('_' or '.' or '-'))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>What is wrong with the name of an interface; null if nothing is.</summary>
    public static string? FaultOfInterfaceName(string name)
    {
        int length = Encoding.UTF8.GetByteCount(name);
        if (length is 0 or > MaxInterfaceNameBytes)
        {
            return $"it has {length} bytes, not 1 to {MaxInterfaceNameBytes}";
        }

        // The kernel keeps "all" and "default" for itself: they are directories of /proc/sys/net/ipv4/conf.
        if (name is "." or ".." or "all" or "default")
        {
            return "the name is reserved";
        }

        foreach (char character in name)
        {
            // '%': the kernel would take "net%d" for a template and make a net0 of it.
            if (character is '/' or ':' or '%' || char.IsWhiteSpace(character) || char.IsControl(character))
            {
                return "it holds '/', ':', '%', white space or a control character";
            }

            // What was not UTF-8 has come as this; the kernel's name would be another one than the runtime's.
            if (character == '\uFFFD')
            {
                return "it is not UTF-8";
            }
        }

        return null;
    }
}
