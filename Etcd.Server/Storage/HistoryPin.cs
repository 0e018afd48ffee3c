using Etcd.Server.Primitives;
using Etcd.Server.Storage.Disk;
using Etcd.Server.Storage.Log;

namespace Etcd.Server.Storage;

/// <summary>
/// The whole history as of one moment, for export. It holds on to the log's segments, and to the files that they are in, and to a copy of
/// their marks of dead records (a bit per record), so what writers and compaction do afterwards changes nothing of it, and it holds
/// up neither. Made by the writer's thread (<see cref="MvccStore.PinHistory"/>); read by one thread at a time, any number of times.
/// </summary>
public sealed class HistoryPin : IDisposable
{
    private readonly LogSegment[] _segments;
    private readonly ulong[]?[] _dead;
    private HashSet<StoreFile>? _files;

    internal HistoryPin(LogSegment[] segments, long revision, long compactRevision, long finishedCompactRevision)
    {
        _segments = segments;
        _dead = Array.ConvertAll(segments, s => s.CopyDead());
        _files = [.. segments.Where(s => s.Extent is not null).Select(s => s.Extent!.File)];
        foreach (StoreFile file in _files)
            file.Pin();

        Revision = revision;
        CompactRevision = compactRevision;
        FinishedCompactRevision = finishedCompactRevision;
    }

    /// <summary>The last revision in it.</summary>
    public long Revision { get; }

    /// <summary>The revision of the last compaction; -1 if there was none.</summary>
    public long CompactRevision { get; }

    /// <summary>The last compaction that has dropped all that it drops; -1 if there is none.</summary>
    public long FinishedCompactRevision { get; }

    /// <summary>Goes through the records in the order of history.</summary>
    public HistoryReader Read() => new(this);

    /// <summary>Lets go of the files. Any thread.</summary>
    public void Dispose()
    {
        foreach (StoreFile file in Interlocked.Exchange(ref _files, null) ?? [])
            file.Unpin();
    }

    /// <summary>A position in a pinned history.</summary>
    public sealed class HistoryReader
    {
        private readonly HistoryPin _pin;
        private readonly SegmentBytes _bytes = new();
        private LogRecord _record;
        private int _segment;
        private int _at = -1;

        internal HistoryReader(HistoryPin pin) => _pin = pin;

        /// <summary>The record's place in history.</summary>
        public Revision Revision => _record.Revision;

        /// <summary>Whether it deletes its key.</summary>
        public bool IsTombstone => _record.IsTombstone;

        /// <summary>What the store keeps of it: an encoded mvccpb.KeyValue, of a tombstone the key only. Valid until <see cref="MoveNext"/>.</summary>
        public ReadOnlySpan<byte> Stored => LogSegment.Stored(_record.ReadBytes(_bytes), _record.IsTombstone);

        /// <summary>Goes to the next record.</summary>
        /// <returns>False if there is none.</returns>
        public bool MoveNext()
        {
            for (; _segment < _pin._segments.Length; _segment++, _at = -1)
            {
                LogSegment segment = _pin._segments[_segment];
                int count = segment.Count;
                while (++_at < count)
                {
                    if (LogSegment.IsDead(_pin._dead[_segment], _at))
                        continue;

                    LogRecord record = segment.Read(_at);
                    if (record.Revision.Main > _pin.Revision)
                    {
                        _segment = _pin._segments.Length;
                        return false;
                    }

                    _record = record;
                    return true;
                }
            }

            return false;
        }
    }
}
