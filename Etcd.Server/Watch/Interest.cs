namespace Etcd.Server.Watch;

/// <summary>
/// All watchers of one index that watch exactly the same key or range. What an event costs is per interest; its watchers
/// share the result. While events are matched it collects them, and the responses made of them.
/// </summary>
internal sealed class Interest(byte[] key, KeyRangeEnd end, int priority)
{
    // Few are looked through faster than a table is asked.
    private const int GroupsWithoutTable = 8;

    private readonly List<EventRun>?[] _runs = new List<EventRun>?[8];
    private Dictionary<(WatchStream Stream, WatcherForm Form), WatchGroup>? _table;

    public byte[] Key { get; } = key;

    public KeyRangeEnd End { get; } = end;

    /// <summary>Its watchers by stream and form; none is empty.</summary>
    public List<WatchGroup> Groups { get; } = [];

    /// <summary>The events of the current step that fall into the range.</summary>
    public List<WatchEvent> Matched { get; } = [];

    // The interval tree's own fields.
    public int Priority { get; } = priority;

    public Interest? Left { get; set; }

    public Interest? Right { get; set; }

    /// <summary>The furthest end in the subtree.</summary>
    public KeyRangeEnd FurthestEnd { get; set; } = end;

    public void Add(Watcher watcher) => GroupFor(watcher.Stream, watcher.Form).Add(watcher);

    /// <summary>
    /// Takes a watcher out. The last group, or the last of its group, moves to its place, so a loop from the end to the beginning may
    /// remove the current one.
    /// </summary>
    public void Remove(Watcher watcher)
    {
        WatchGroup group = watcher.Group!;
        group.Remove(watcher);
        if (group.Watchers.Count > 0)
        {
            return;
        }

        WatchGroup last = Groups[^1];
        Groups[group.Position] = last;
        last.Position = group.Position;
        Groups.RemoveAt(Groups.Count - 1);
        _table?.Remove((group.Stream, group.Form));
    }

    /// <summary>The responses for watchers that want these events in the same form; made once per step.</summary>
    public List<EventRun>? SharedRuns(in WatcherForm form) => _runs[Slot(form)];

    public void Share(in WatcherForm form, List<EventRun> runs) => _runs[Slot(form)] = runs;

    public void EndStep()
    {
        Matched.Clear();
        Array.Clear(_runs);
    }

    private static int Slot(in WatcherForm form) => (int)form.Filters | (form.WithPrevious ? 4 : 0);

    private WatchGroup GroupFor(WatchStream stream, in WatcherForm form)
    {
        if (Find(stream, form) is { } known)
        {
            return known;
        }

        var group = new WatchGroup(stream, form) { Position = Groups.Count };
        Groups.Add(group);
        if (_table is not null)
        {
            _table.Add((stream, form), group);
        }
        else if (Groups.Count > GroupsWithoutTable)
        {
            _table = Groups.ToDictionary(g => (g.Stream, g.Form));
        }

        return group;
    }

    private WatchGroup? Find(WatchStream stream, WatcherForm form) => _table is not null
        ? _table.GetValueOrDefault((stream, form))
        : Groups.Find(g => g.Stream == stream && g.Form == form);
}
