namespace Etcd.Server.Watch;

/// <summary>Where a watcher gets its events from.</summary>
internal enum WatcherState : byte
{
    /// <summary>It has everything up to the hub's revision, and gets new events as they come.</summary>
    Synced,

    /// <summary>It waits for its turn to read what it lacks, from the ring or from history.</summary>
    Lagging,

    /// <summary>As lagging, but its stream's queue is full; it waits until the client has taken some.</summary>
    Blocked,

    /// <summary>It was told that its history is compacted, or damaged. Its id stays taken until the client cancels it, as in etcd.</summary>
    Compacted,

    /// <summary>Cancelled, or its stream was closed.</summary>
    Ended,
}

/// <summary>One watch. Used under the hub's turn.</summary>
internal sealed class Watcher(WatchStream stream, long id, byte[] key, KeyRangeEnd end, in WatchCreate request)
{
    public WatchStream Stream { get; } = stream;

    public long Id { get; } = id;

    public byte[] Key { get; } = key;

    public KeyRangeEnd End { get; } = end;

    public WatcherForm Form { get; } = new(
        request.Filters & (WatchFilters.NoPut | WatchFilters.NoDelete), request.WithPreviousKeyValue, request.Fragment);

    public bool ProgressNotify { get; } = request.ProgressNotify;

    /// <summary>As the client gave it.</summary>
    public long StartRevision { get; } = request.StartRevision;

    /// <summary>
    /// The first revision that it has not been given. Kept exact while it lags; while it is synced it may be behind the
    /// hub's revision, but never ahead of it unless the client asked for a future revision.
    /// </summary>
    public long MinRevision { get; set; }

    public WatcherState State { get; set; }

    /// <summary>No event has been sent since the last progress tick.</summary>
    public bool ProgressDue { get; set; } = true;

    public Interest? Interest { get; set; }

    /// <summary>Those of its interest that get the same responses; null if it is in no index.</summary>
    public WatchGroup? Group { get; set; }

    public int GroupPosition { get; set; }

    /// <summary>Its place in the order of those that lag.</summary>
    public LinkedListNode<Watcher>? Turn { get; set; }
}
