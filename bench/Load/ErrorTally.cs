namespace Etcd.Bench.Load;

/// <summary>Counts failures by their text. One thread writes; read it when that thread is done.</summary>
internal sealed class ErrorTally
{
    private readonly Dictionary<string, long> _counts = [];

    public long Total { get; private set; }

    public IEnumerable<KeyValuePair<string, long>> MostFrequent => _counts.OrderByDescending(entry => entry.Value);

    public void Add(string error, long count = 1)
    {
        _counts[error] = _counts.GetValueOrDefault(error) + count;
        Total += count;
    }

    public void Add(ErrorTally other)
    {
        foreach ((string error, long count) in other._counts)
            Add(error, count);
    }
}
