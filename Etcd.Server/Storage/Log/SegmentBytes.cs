namespace Etcd.Server.Storage.Log;

/// <summary>
/// The bytes of records for whoever goes through a log: a segment that is on the disk only is read in one go, past the cache, when its first record is
/// asked for. One thread at a time.
/// </summary>
internal sealed class SegmentBytes
{
    private LogSegment? _segment;
    private byte[] _buffer = [];
    private ReadOnlyMemory<byte> _bytes;

    /// <summary>The bytes of a record, as <see cref="LogRecord.ReadBytes()"/> says; valid until another segment's are asked for.</summary>
    /// <param name="segment">The segment.</param>
    /// <param name="at">The record's position in it.</param>
    public ReadOnlySpan<byte> Of(LogSegment segment, int at)
    {
        if (_segment != segment)
        {
            _segment = null;
            _bytes = segment.ReadAll(ref _buffer);
            _segment = segment;
        }

        return _bytes.Span.Slice(segment.OffsetOf(at), segment.LengthOf(at));
    }
}
