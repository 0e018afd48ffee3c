namespace Etcd.Bench.Compare;

/// <summary>Medians, of which every report is made.</summary>
internal static class Medians
{
    /// <summary>The median of a figure over passes; the mean of the middle two where their number is even.</summary>
    public static double Of<T>(IEnumerable<T> passes, Func<T, double> figure)
    {
        double[] sorted = [.. passes.Select(figure).Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
