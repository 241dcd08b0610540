using System.Globalization;

namespace Benchmarks;

/// <summary>Tables of plain text on standard output.</summary>
internal static class Report
{
    private const int NameWidth = 56;
    private const int ColumnWidth = 13;

    public static void Heading(string name, params string[] columns)
    {
        Console.WriteLine();
        Console.WriteLine(name.PadRight(NameWidth) + string.Concat(columns.Select(column => column.PadLeft(ColumnWidth))));
    }

    public static void Line(string name, params double[] values) =>
        Console.WriteLine(name.PadRight(NameWidth)
            + string.Concat(values.Select(value => value.ToString("F2", CultureInfo.InvariantCulture).PadLeft(ColumnWidth))));

    public static void Ratio(string name, Samples above, Samples below) =>
        Line(name, above.Median / below.Median, above.Minimum / below.Minimum);
}
