namespace EgressRouter.Config;

/// <summary>How many slips of the keyboard make one name of another.</summary>
internal static class EditDistance
{
    /// <summary>
    /// Letters inserted, left out, exchanged or swapped with their neighbour, each counting one; case counts nothing.
    /// A number above <paramref name="limit"/> only says "more".
    /// </summary>
    public static int Between(string left, string right, int limit)
    {
        if (Math.Abs(left.Length - right.Length) > limit)
        {
            return limit + 1;
        }

        // Rows of the usual table: two above, one above, this one.
        Span<int> before = new int[right.Length + 1];
        Span<int> above = new int[right.Length + 1];
        Span<int> row = new int[right.Length + 1];
        for (int j = 0; j <= right.Length; j++)
        {
            above[j] = j;
        }

        for (int i = 1; i <= left.Length; i++)
        {
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int exchange = above[j - 1] + (Same(left[i - 1], right[j - 1]) ? 0 : 1);
                row[j] = Math.Min(exchange, 1 + Math.Min(above[j], row[j - 1]));
                if (i > 1 && j > 1 && Same(left[i - 1], right[j - 2]) && Same(left[i - 2], right[j - 1]))
                {
                    row[j] = Math.Min(row[j], before[j - 2] + 1);
                }
            }

            Span<int> free = before;
            before = above;
            above = row;
            row = free;
        }

        return above[right.Length];
    }

    private static bool Same(char left, char right) => char.ToLowerInvariant(left) == char.ToLowerInvariant(right);
}
