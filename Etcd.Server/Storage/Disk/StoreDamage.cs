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
/// Collects what readers and the scrub find damaged, each place once. Names of files are never used again, so what a state that
/// was replaced has left cannot be taken for its successor's. Any thread.
/// </summary>
internal sealed class DamageReports
{
    // Beyond so many places the store is to be replaced anyway, and a disk that fails altogether must not fill the memory.
    private const int PlacesMax = 1024;

    private readonly Lock _gate = new();
    private readonly HashSet<(string File, long? Offset)> _known = [];
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
            if (_known.Count >= PlacesMax || !_known.Add((what.File, what.Offset)))
                return;

            _hasLost |= isLost;
        }

        Found(new StoreDamage(what.File, what.Offset, what.Message, isLost));
    }

    /// <summary>Another state is in the place of the damaged one.</summary>
    public void Replaced() => _hasLost = false;
}
