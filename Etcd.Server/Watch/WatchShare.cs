namespace Etcd.Server.Watch;

/// <summary>
/// A stretch of a stream's responses: either one response, or as many as there are watches, equal but for the watch's id.
/// Immutable; what it is made of is shared.
/// </summary>
internal readonly struct WatchShare
{
    private readonly long[]? _ids;
    private readonly int _first;

    /// <summary>One response.</summary>
    public WatchShare(WatchBatch single)
    {
        Single = single;
        Count = 1;
        Revision = single.Revision;
    }

    /// <summary>The same events for some watches.</summary>
    /// <param name="run">The events.</param>
    /// <param name="revision">The revision of the responses' headers.</param>
    /// <param name="ids">The watches' ids; not changed any more.</param>
    /// <param name="first">The first of them that counts.</param>
    /// <param name="count">How many count.</param>
    public WatchShare(EventRun run, long revision, long[] ids, int first, int count)
    {
        Run = run;
        Revision = revision;
        _ids = ids;
        _first = first;
        Count = count;
    }

    /// <summary>The response, if it is one that stands alone.</summary>
    public WatchBatch? Single { get; }

    /// <summary>The events, if they are for several watches.</summary>
    public EventRun? Run { get; }

    /// <summary>The revision of the responses' headers.</summary>
    public long Revision { get; }

    /// <summary>How many responses it is.</summary>
    public int Count { get; }

    /// <summary>The watches that get the events.</summary>
    public ReadOnlySpan<long> Ids => _ids.AsSpan(_first, _ids is null ? 0 : Count);

    /// <summary>How many events each response carries.</summary>
    public int EventsEach => Single?.EventCount ?? Run!.Events.Length;

    /// <summary>What each response counts against the bound of its stream.</summary>
    public int PendingBytesEach => Single?.PendingBytes ?? PendingBytesOf(Run!);

    /// <summary>The same, for all of them.</summary>
    public long PendingBytes => (long)Count * PendingBytesEach;

    /// <summary>What a response with these events counts.</summary>
    public static int PendingBytesOf(EventRun run) => run.EncodedSize + WatchBatch.OverheadBytes;

    /// <summary>The first responses of it.</summary>
    public WatchShare Take(int count) => Single is null ? new WatchShare(Run!, Revision, _ids!, _first, count) : this;

    /// <summary>What follows the first responses, of which there is more than that.</summary>
    public WatchShare Skip(int count) => new(Run!, Revision, _ids!, _first + count, Count - count);

    /// <summary>The first response as one that stands alone.</summary>
    public WatchBatch ToBatch() => Single ?? new WatchBatch(_ids![_first], Revision, Run!);
}
