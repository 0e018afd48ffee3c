namespace Etcd.Configuration.Reading;

/// <summary>The store is at an older revision than it was: it was wiped, or restored from a backup.</summary>
internal sealed class StoreReplacedException(long known, long found) : Exception("The data of etcd was replaced.")
{
    /// <summary>The revision that it had.</summary>
    public long Known { get; } = known;

    /// <summary>The revision that it has now.</summary>
    public long Found { get; } = found;
}
