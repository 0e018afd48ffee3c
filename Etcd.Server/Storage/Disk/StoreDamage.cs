namespace Etcd.Server.Storage.Disk;

/// <summary>A place on the disk whose bytes are not those that were written there.</summary>
/// <param name="File">The path of the file.</param>
/// <param name="Offset">The position in it, if it is about one place.</param>
/// <param name="Reason">What was found.</param>
/// <param name="IsLost">
/// Whether records are concerned that memory has not got either. What is not lost needs nobody else to be written again
/// (<see cref="MvccStore.WriteAgain"/>).
/// </param>
public sealed record StoreDamage(string File, long? Offset, string Reason, bool IsLost);

/// <summary>
/// Collects what readers and the scrub find damaged, each place once, and once more if its records are lost. Any thread.
/// </summary>
internal sealed class DamageReports
{
    // Beyond so many places the store is to be replaced anyway, and a disk that fails altogether must not fill the memory.
    private const int PlacesMax = 1024;

    private readonly Lock _gate = new();
    private readonly HashSet<(string File, long? Offset, bool IsLost)> _known = [];
    private volatile bool _hasLost;

    /// <summary>Called for each place when it is found first. It must return soon: a reader waits.</summary>
    public Action<StoreDamage> Found { get; set; } = static _ => { };

    /// <summary>Whether records of the present state are known to be lost.</summary>
    public bool HasLost => _hasLost;

    /// <summary>Something is damaged.</summary>
    /// <param name="what">What and where.</param>
    /// <param name="isLost">As <see cref="StoreDamage.IsLost"/>.</param>
    public void Report(StoreException what, bool isLost)
    {
        lock (_gate)
        {
            // A place that memory still had may be lost later, and what is lost counts whether or not it is told again.
            _hasLost |= isLost;
            if (_known.Count >= PlacesMax || !_known.Add((what.File, what.Offset, isLost)))
                return;
        }

        Found(new StoreDamage(what.File, what.Offset, what.Message, isLost));
    }

    /// <summary>Another state is in the place of the damaged one.</summary>
    public void Replaced()
    {
        lock (_gate)
        {
            _hasLost = false;
            _known.Clear();
        }
    }
}
