namespace EgressRouter.State;

/// <summary>Of very many things the first tell what is wrong; a message that names all nobody reads.</summary>
internal static class Listing
{
    /// <summary>So many are told.</summary>
    public const int Most = 20;

    /// <summary>The first ones, and how many more there are.</summary>
    /// <param name="all">What could be told.</param>
    public static IEnumerable<string> Short(IReadOnlyCollection<string> all) =>
        all.Count <= Most ? all : [.. all.Take(Most), $"and {all.Count - Most} more"];

    /// <summary>As the other.</summary>
    /// <param name="differences">What could be told.</param>
    public static IEnumerable<string> Short(IEnumerable<Difference> differences) =>
        Short([.. differences.Select(difference => difference.ToString())]);
}
