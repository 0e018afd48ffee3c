using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Wal;

/// <summary>
/// Turns a log's records back into what raft needs, from a snapshot on. Entries up to the snapshot are skipped; an
/// entry whose index was there before replaces it and everything behind it, as it did in the log; a snapshot that came
/// from the leader, which is one whose last entry the log does not have, replaces all of it.
/// <para>The CRC covers a record's data and not its type, so a damaged type could pass an entry off as a hard state
/// or the other way round. What raft guarantees about these tells them apart: terms never fall and do not jump, a
/// vote is given once per term, the commit index never falls nor runs beyond the log, and what is committed is not
/// replaced. A log that says otherwise is refused.</para>
/// </summary>
/// <param name="from">The snapshot to begin at.</param>
/// <param name="keepEntries">Whether the entries are wanted, or only what is said about them.</param>
internal sealed class Replay(WalSnapshotMark from, bool keepEntries = true)
{
    private byte[]? _metadata;
    private ulong _lastIndex;
    private ulong _highestTerm = from.Term.Value;
    private WalRecord _lastState;
    private bool _foundSnapshot;
    private Term _termAtFrom;

    public ReadOnlyMemory<byte> Metadata => _metadata;

    public HardState HardState { get; private set; }

    public List<Entry> Entries { get; } = [];

    /// <summary>Index of the last entry, or of the snapshot if there is none behind it.</summary>
    public LogIndex LastIndex => from.Index + (ulong)Entries.Count;

    /// <summary>The term of <see cref="LastIndex"/>.</summary>
    public Term LastTerm => Entries.Count == 0 ? from.Term : Entries[^1].Term;

    /// <summary>Every snapshot record, in the log's order.</summary>
    public List<WalSnapshotMark> Snapshots { get; } = [];

    /// <summary>Reads to the end of the log; <see cref="ReadOutcome.Torn"/> if that is a torn write.</summary>
    public ReadOutcome ReadAll(RecordReader reader)
    {
        Segment? segment = null;
        int inSegment = 0;
        while (true)
        {
            ReadOutcome outcome = reader.Next(out WalRecord record);
            if (outcome != ReadOutcome.Record)
            {
                return outcome;
            }

            if (!ReferenceEquals(segment, record.Segment))
            {
                segment = record.Segment;
                inSegment = 0;
                _lastIndex = Math.Max(_lastIndex, Math.Max(segment.Name.Index, 1) - 1);
            }

            CheckHead(record, inSegment++);
            Take(record);
        }
    }

    /// <summary>Checks what can only be known at the end.</summary>
    public void Finish(RecordReader reader)
    {
        if (_metadata is null)
        {
            throw new WalException(WalError.Malformed, "wal: no metadata record", reader.Segment.Path, 0);
        }

        // The store's checkpoints leave no record: the entry that such a one stands at is there.
        if (!_foundSnapshot && (from.Term == Term.Zero || _termAtFrom != from.Term))
        {
            throw new WalException(
                WalError.SnapshotNotFound, $"wal: snapshot not found: no record of index {from.Index}, term {from.Term}");
        }

        if (HardState.Commit > LastIndex)
        {
            throw _lastState.Refuse(
                WalError.Malformed, $"wal: hard state commits index {HardState.Commit} but the log ends at {LastIndex}");
        }

        if (Entries.Count > 0 && Entries[0].Term < from.Term)
        {
            throw new WalException(
                WalError.Malformed,
                $"wal: entry {Entries[0].Index} has term {Entries[0].Term} behind a snapshot of term {from.Term}",
                reader.Segment.Path,
                reader.Offset);
        }
    }

    /// <summary>Every segment begins with the chain's CRC and the metadata, and only there is a CRC record.</summary>
    private static void CheckHead(in WalRecord record, int position)
    {
        bool right = position switch
        {
            0 => record.Type == RecordType.Crc,
            1 => record.Type == RecordType.Metadata,
            _ => record.Type != RecordType.Crc,
        };
        if (!right)
        {
            throw record.Refuse(WalError.Malformed, $"wal: unexpected block type {(int)record.Type} as record {position} of a file");
        }
    }

    private void Take(in WalRecord record)
    {
        switch (record.Type)
        {
            case RecordType.Entry:
                TakeEntry(record);
                break;
            case RecordType.State:
                TakeState(record);
                break;
            case RecordType.Metadata:
                TakeMetadata(record);
                break;
            case RecordType.Snapshot:
                TakeSnapshot(record);
                break;
            case RecordType.Crc:
                break;
            default:
                throw record.Refuse(WalError.Malformed, $"wal: unexpected block type {(int)record.Type}");
        }
    }

    private void TakeEntry(in WalRecord record)
    {
        if (!EntryCodec.TryRead(record.Data, out Entry entry) || entry.Type > EntryType.ConfChangeV2 || entry.Term == Term.Zero
            || entry.Index == LogIndex.Zero || entry.Term.Value > _highestTerm + Limits.TermJumpMax)
        {
            throw record.Refuse(WalError.Malformed, "wal: the record is no entry");
        }

        if (entry.Index <= HardState.Commit && entry.Index > from.Index && entry.Index.Value <= _lastIndex)
        {
            throw record.Refuse(WalError.Malformed, $"wal: entry {entry.Index} replaces a committed one (commit {HardState.Commit})");
        }

        if (entry.Index <= from.Index)
        {
            // It replaced all that was behind it then.
            Entries.Clear();
            _termAtFrom = entry.Index == from.Index ? entry.Term : default;
        }
        else if (keepEntries)
        {
            Place(record, entry);
        }

        _lastIndex = entry.Index.Value;
        _highestTerm = Math.Max(_highestTerm, entry.Term.Value);
    }

    private void Place(in WalRecord record, in Entry entry)
    {
        ulong position = entry.Index.Value - from.Index.Value - 1;
        if (position > (ulong)Entries.Count)
        {
            throw record.Refuse(
                WalError.SliceOutOfRange,
                $"wal: slice bounds out of range, snapshot[Index: {from.Index}, Term: {from.Term}], "
                + $"current entry[Index: {entry.Index}, Term: {entry.Term}], len(ents): {Entries.Count}");
        }

        Entries.RemoveRange((int)position, Entries.Count - (int)position);
        Term before = Entries.Count == 0 ? default : Entries[^1].Term;
        if (entry.Term < before)
        {
            throw record.Refuse(WalError.Malformed, $"wal: entry {entry.Index} has term {entry.Term} after term {before}");
        }

        Entries.Add(entry);
    }

    private void TakeState(in WalRecord record)
    {
        if (!HardStateCodec.TryRead(record.Data.Span, out HardState state) || state.IsEmpty)
        {
            throw record.Refuse(WalError.Malformed, "wal: the record is no hard state");
        }

        HardState before = HardState;
        bool changedVote = state.Term == before.Term && !before.Vote.IsNone && state.Vote != before.Vote;
        if (state.Term < before.Term || state.Commit < before.Commit || changedVote)
        {
            throw record.Refuse(WalError.Malformed, $"wal: hard state {state} after {before}");
        }

        HardState = state;
        _lastState = record;
        _highestTerm = Math.Max(_highestTerm, state.Term.Value);
    }

    private void TakeMetadata(in WalRecord record)
    {
        if (_metadata is not null && !record.Data.Span.SequenceEqual(_metadata))
        {
            throw record.Refuse(WalError.MetadataConflict, "wal: conflicting metadata found");
        }

        _metadata ??= record.Data.ToArray();
    }

    private void TakeSnapshot(in WalRecord record)
    {
        if (!SnapshotMarkCodec.TryRead(record.Data.Span, out WalSnapshotMark mark))
        {
            throw record.Refuse(WalError.Malformed, "wal: the record is no snapshot");
        }

        if (mark.Index == from.Index)
        {
            if (mark.Term != from.Term)
            {
                throw record.Refuse(
                    WalError.SnapshotMismatch, $"wal: snapshot mismatch: index {mark.Index} has term {mark.Term}, not {from.Term}");
            }

            _foundSnapshot = true;
            if (_termAtFrom != mark.Term)
            {
                Entries.Clear();
            }
        }

        Snapshots.Add(mark);
        _lastIndex = Math.Max(_lastIndex, mark.Index.Value);
    }
}
