namespace Etcd.Bench.Compare;

/// <summary>One of the two servers that are compared.</summary>
internal sealed record Side(string Name, string Executable)
{
    public Dictionary<Cell, List<Measurement>> Passes { get; } = [];

    public void Add(Cell cell, Measurement measurement)
    {
        if (!Passes.TryGetValue(cell, out List<Measurement>? list))
            Passes.Add(cell, list = []);
        list.Add(measurement);
    }

    /// <summary>The sides that are wanted; builds our server where no executable is given.</summary>
    public static List<Side> Choose(bool etcd, bool ours, string? serverPath, CancellationToken cancellationToken)
    {
        var sides = new List<Side>();
        if (etcd)
            sides.Add(new Side("etcd", EtcdReference.Executable()));
        if (ours)
            sides.Add(new Side("ours", serverPath ?? OurServer.Build(cancellationToken)));
        return sides;
    }

    public Measurement? Median(Cell cell) =>
        Passes.TryGetValue(cell, out List<Measurement>? list) ? Measurement.Median(list) : null;
}
