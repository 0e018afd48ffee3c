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

    public Measurement? Median(Cell cell) =>
        Passes.TryGetValue(cell, out List<Measurement>? list) ? Measurement.Median(list) : null;
}
