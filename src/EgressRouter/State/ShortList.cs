namespace EgressRouter.State;

/// <summary>Shortens lists in messages.</summary>
internal static class ShortList
{
    public const int Most = 20;

    /// <summary>The first items, and the number of the others.</summary>
    public static IEnumerable<string> Short(IReadOnlyCollection<string> all) =>
        all.Count <= Most ? all : [.. all.Take(Most), $"and {all.Count - Most} more"];

    public static IEnumerable<string> Short(IEnumerable<Difference> differences) =>
        Short([.. differences.Select(difference => difference.ToString())]);
}
