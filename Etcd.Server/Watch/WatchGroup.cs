namespace Etcd.Server.Watch;

/// <summary>
/// The watchers of one stream that watch the same key or range in the same form: what they get differs in the watch's id only.
/// So an event costs one entry of the stream's queue, however many they are. Used under the hub's turn.
/// </summary>
internal sealed class WatchGroup(WatchStream stream, WatcherForm form)
{
    private long[]? _ids;

    public WatchStream Stream { get; } = stream;

    public WatcherForm Form { get; } = form;

    public List<Watcher> Watchers { get; } = [];

    /// <summary>Its place among the groups of its interest.</summary>
    public int Position { get; set; }

    /// <summary>No watcher's first wanted revision is above this.</summary>
    public long MinRevisionMax { get; private set; }

    /// <summary>How many of them want to be told of progress.</summary>
    public int ProgressWatchers { get; private set; }

    /// <summary>The watches' ids, in the order of the watchers. Never changed once it was given out: queues hold on to it.</summary>
    public long[] Ids => _ids ??= [.. Watchers.Select(w => w.Id)];

    public void Add(Watcher watcher)
    {
        watcher.Group = this;
        watcher.GroupPosition = Watchers.Count;
        Watchers.Add(watcher);
        MinRevisionMax = Math.Max(MinRevisionMax, watcher.MinRevision);
        ProgressWatchers += watcher.ProgressNotify ? 1 : 0;
        _ids = null;
    }

    /// <summary>Takes a watcher out; the last one moves to its place.</summary>
    public void Remove(Watcher watcher)
    {
        Watcher last = Watchers[^1];
        Watchers[watcher.GroupPosition] = last;
        last.GroupPosition = watcher.GroupPosition;
        Watchers.RemoveAt(Watchers.Count - 1);
        watcher.Group = null;
        ProgressWatchers -= watcher.ProgressNotify ? 1 : 0;
        _ids = null;
    }
}

/// <summary>In which form a watcher wants its events; those with the same form can share responses.</summary>
internal readonly record struct WatcherForm(WatchFilters Filters, bool WithPrevious, bool Fragment);
