namespace Etcd.Client;

/// <summary>
/// The last changes of a cache, at places that are counted up for ever: a reader keeps a place and no more, so that one who does not
/// read holds nothing in memory. Invariant: without a gap it tells all that happened behind <see cref="Floor"/>. The cache's lock guards it.
/// </summary>
internal sealed class CacheHistory(int revisionsMax, long bytesMax)
{
    private const int LengthAtFirst = 16;

    private EtcdWatchBatch?[] _ring = new EtcdWatchBatch?[Math.Min(LengthAtFirst, revisionsMax)];
    private long _bytes;

    /// <summary>The revision up to which nothing is known.</summary>
    public long Floor { get; private set; }

    /// <summary>The first place that is known.</summary>
    public long First { get; private set; }

    /// <summary>The place of the next change.</summary>
    public long End { get; private set; }

    public void Add(EtcdWatchBatch batch)
    {
        if (End - First == _ring.Length && _ring.Length < revisionsMax)
            Grow();
        if (End - First == _ring.Length)
            Forget();
        Slot(End++) = batch;
        _bytes += batch.Bytes;
        while (_bytes > bytesMax && End - First > 1)
            Forget();
    }

    /// <summary>Forgets everything: what happened up to this revision is not known. Those who have read all until now find a gap too.</summary>
    public void Restart(long revision)
    {
        Array.Clear(_ring);
        _bytes = 0;
        First = ++End;
        Floor = revision;
    }

    /// <summary>Those from a place on, at most so many.</summary>
    public EtcdWatchBatch[] From(long place, int most)
    {
        var batches = new EtcdWatchBatch[Math.Min(End - place, most)];
        for (int i = 0; i < batches.Length; i++)
            batches[i] = Slot(place + i)!;
        return batches;
    }

    /// <summary>The place of the first change of this revision or a later one.</summary>
    public long PlaceOf(long revision)
    {
        (long low, long high) = (First, End);
        while (low < high)
        {
            long middle = low + ((high - low) / 2);
            if (Slot(middle)!.Revision < revision)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    private ref EtcdWatchBatch? Slot(long place) => ref _ring[place % _ring.Length];

    private void Forget()
    {
        ref EtcdWatchBatch? oldest = ref Slot(First++);
        _bytes -= oldest!.Bytes;
        Floor = oldest.Revision;
        oldest = null;
    }

    private void Grow()
    {
        var larger = new EtcdWatchBatch?[Math.Min((long)_ring.Length * 2, revisionsMax)];
        for (long place = First; place < End; place++)
            larger[place % larger.Length] = Slot(place);
        _ring = larger;
    }
}
