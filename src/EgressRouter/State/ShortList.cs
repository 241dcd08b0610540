namespace EgressRouter.State;

/// <summary>Shortens lists in messages.</summary>
internal static class ShortList
{
    public const int Most = 20;

    /// <summary>The texts of the first items, and the number of the others.</summary>
    public static IEnumerable<string> Short<T>(IEnumerable<T> all)
        where T : notnull
    {
        string[] texts = [.. all.Select(item => item.ToString()!)];
        return texts.Length <= Most ? texts : [.. texts.Take(Most), $"and {texts.Length - Most} more"];
    }
}
