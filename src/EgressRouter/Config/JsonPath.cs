using System.Globalization;

namespace EgressRouter.Config;

/// <summary>Where in the configuration something stands, in words for people: <c>ip.destinations[1]</c>.</summary>
internal static class JsonPath
{
    /// <summary>The top of the document.</summary>
    public const string Root = "";

    /// <summary>A member of an object.</summary>
    public static string Member(string path, string name)
    {
        string shown = Shown.Of(name);
        return path.Length == 0 ? shown : $"{path}.{shown}";
    }

    /// <summary>The path of what encloses a value.</summary>
    public static string Outer(string path) => path[..Math.Max(path.LastIndexOfAny(['.', '[']), 0)];

    /// <summary>An element of a list.</summary>
    public static string Item(string path, int index) => string.Create(CultureInfo.InvariantCulture, $"{path}[{index}]");
}
