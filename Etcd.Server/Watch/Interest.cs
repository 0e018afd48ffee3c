namespace Etcd.Server.Watch;

/// <summary>
/// All watchers of one index that watch exactly the same key or range. What an event costs is per interest; its watchers
/// share the result. While events are matched it collects them, and the responses made of them.
/// </summary>
internal sealed class Interest(byte[] key, KeyRangeEnd end, int priority)
{
    private readonly List<EventRun>?[] _runs = new List<EventRun>?[8];

    public byte[] Key { get; } = key;

    public KeyRangeEnd End { get; } = end;

    public List<Watcher> Watchers { get; } = [];

    /// <summary>The events of the current step that fall into the range.</summary>
    public List<WatchEvent> Matched { get; } = [];

    // The interval tree's own fields.
    public int Priority { get; } = priority;

    public Interest? Left { get; set; }

    public Interest? Right { get; set; }

    /// <summary>The furthest end in the subtree.</summary>
    public KeyRangeEnd FurthestEnd { get; set; } = end;

    /// <summary>The responses for watchers that want these events in the same form; made once per step.</summary>
    public List<EventRun>? SharedRuns(WatchFilters filters, bool withPrevious) => _runs[Slot(filters, withPrevious)];

    public void Share(WatchFilters filters, bool withPrevious, List<EventRun> runs) => _runs[Slot(filters, withPrevious)] = runs;

    public void EndStep()
    {
        Matched.Clear();
        Array.Clear(_runs);
    }

    private static int Slot(WatchFilters filters, bool withPrevious) => (int)filters | (withPrevious ? 4 : 0);
}
