namespace Etcd.Server.Api.Validation;

/// <summary>
/// A set of keys given as half-open spans, kept sorted and without overlaps, so that asking for a key stays cheap however
/// many spans a request has. A span whose end is not above its start holds nothing; that is also how etcd treats the range
/// end of one zero byte here, which elsewhere means "all keys from here on".
/// </summary>
internal sealed class KeySpans
{
    private readonly List<Span> _spans = [];

    /// <summary>Adds a range or, without a range end, a single key.</summary>
    public void Add(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> rangeEnd)
    {
        ReadOnlyMemory<byte> end = rangeEnd.IsEmpty ? (byte[])[.. key.Span, 0] : rangeEnd;
        if (key.Span.SequenceCompareTo(end.Span) < 0)
            Add(new Span(key, end));
    }

    /// <summary>Adds all of another set.</summary>
    public void AddAll(KeySpans other)
    {
        foreach (Span span in other._spans)
            Add(span);
    }

    /// <summary>Whether a key lies in one of the spans.</summary>
    public bool Contains(ReadOnlySpan<byte> key)
    {
        int at = FirstEndingAfter(key);
        return at < _spans.Count && _spans[at].Start.Span.SequenceCompareTo(key) <= 0;
    }

    private void Add(Span added)
    {
        int first = FirstEndingAfter(added.Start.Span);
        int beyond = first;
        for (; beyond < _spans.Count && _spans[beyond].Start.Span.SequenceCompareTo(added.End.Span) <= 0; beyond++)
        {
            Span other = _spans[beyond];
            added = new Span(
                other.Start.Span.SequenceCompareTo(added.Start.Span) < 0 ? other.Start : added.Start,
                other.End.Span.SequenceCompareTo(added.End.Span) > 0 ? other.End : added.End);
        }

        _spans.RemoveRange(first, beyond - first);
        _spans.Insert(first, added);
    }

    private int FirstEndingAfter(ReadOnlySpan<byte> key)
    {
        int low = 0;
        int high = _spans.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_spans[middle].End.Span.SequenceCompareTo(key) <= 0)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    private readonly record struct Span(ReadOnlyMemory<byte> Start, ReadOnlyMemory<byte> End);
}
