namespace AppHost.Output;

/// <summary>Lays rows out in columns, each as wide as its widest cell.</summary>
internal static class TextTable
{
    public static IEnumerable<string> Format(IReadOnlyList<string[]> rows)
    {
        var widths = rows[0].Select((_, column) => rows.Max(row => row[column].Length)).ToArray();
        return rows.Select(row => string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }
}
