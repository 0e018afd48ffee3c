using Etcd.Server.Primitives;

namespace Etcd.Server.Raft;

/// <summary>
/// The part of the log that is in memory: entries with consecutive indexes, in chunks. Entries enter at the end, are
/// forgotten from the front and replaced from the back, without moving any.
/// </summary>
/// <remarks>
/// A message takes its entries as a slice of a chunk, without a copy, and may be read by other threads for as long as they
/// like: a slot that was handed out is never written again. So a chunk that was sliced is given to the collector when it is
/// forgotten, and is copied before its end is replaced; one that was not is used again.
/// </remarks>
internal sealed class EntryChunks
{
    /// <summary>Entries in a chunk: an array below the size that goes to the heap of large objects.</summary>
    public const int Size = 1024;

    /// <summary>What an entry adds to a message beside its data, about: its tags, type, term and index.</summary>
    public const int EntryOverheadBytes = 24;

    private const int SizeBits = 10;

    // What a few batches fill between their proposal and their application.
    private const int SparesMax = 4;

    private readonly Stack<Entry[]> _spares = new(SparesMax);
    private Chunk[] _ring = new Chunk[2];
    private ulong _firstChunk;
    private int _chunks;
    private Term _forgottenTerm;

    /// <summary>Begins empty, after an entry that is not here.</summary>
    public EntryChunks(LogIndex forgotten, Term forgottenTerm)
    {
        Forgotten = forgotten;
        _forgottenTerm = forgottenTerm;
        Last = forgotten;
    }

    /// <summary>The index before the first entry that is here.</summary>
    public LogIndex Forgotten { get; private set; }

    /// <summary>The index of the newest entry, or of the last forgotten one.</summary>
    public LogIndex Last { get; private set; }

    /// <summary>The entry at an index that is still here.</summary>
    public ref readonly Entry this[LogIndex index]
    {
        get
        {
            Invariant.Check(index > Forgotten && index <= Last, "only entries in memory are read");
            return ref ChunkOf(index).Entries[Slot(index)];
        }
    }

    /// <summary>Whether the term at an index is known: the last forgotten one's is, too.</summary>
    public bool Knows(LogIndex index) => index >= Forgotten && index <= Last;

    /// <summary>The term at an index that <see cref="Knows"/>.</summary>
    public Term TermAt(LogIndex index) => index == Forgotten ? _forgottenTerm : this[index].Term;

    /// <summary>Adds the next entry.</summary>
    public void Append(in Entry entry)
    {
        Invariant.Check(entry.Index == Last.Next, "the log has no holes");
        ulong chunk = Number(entry.Index);
        if (_chunks == 0 || chunk == _firstChunk + (ulong)_chunks)
        {
            AddChunk(chunk);
        }

        Last = entry.Index;
        ChunkOf(entry.Index).Entries[Slot(entry.Index)] = entry;
    }

    /// <summary>Takes everything from an index on away.</summary>
    public void TruncateFrom(LogIndex index)
    {
        Invariant.Check(index > Forgotten && index <= Last, "only entries in memory are replaced");
        int kept = Slot(index);
        ulong keptChunks = Number(index) - _firstChunk + (kept == 0 ? 0UL : 1UL);
        while ((ulong)_chunks > keptChunks)
        {
            _chunks--;
            Retire(ref _ring[Place(_firstChunk + (ulong)_chunks)]);
        }

        Last = new LogIndex(index.Value - 1);
        if (kept > 0)
        {
            DropTail(ref ChunkOf(index), kept);
        }
    }

    /// <summary>Lets everything up to and including an index go.</summary>
    public void ForgetThrough(LogIndex index)
    {
        if (index <= Forgotten)
        {
            return;
        }

        Term term = TermAt(index);
        ulong kept = Number(index.Next);
        while (_chunks > 0 && _firstChunk < kept)
        {
            Retire(ref _ring[Place(_firstChunk)]);
            _firstChunk++;
            _chunks--;
        }

        if (_chunks > 0)
        {
            ClearHead(Forgotten.Next, index);
        }

        Forgotten = index;
        _forgottenTerm = term;
    }

    /// <summary>Begins again, empty, after a snapshot.</summary>
    public void Restart(LogIndex forgotten, Term forgottenTerm)
    {
        for (; _chunks > 0; _chunks--)
        {
            Retire(ref _ring[Place(_firstChunk + (ulong)_chunks - 1)]);
        }

        Forgotten = forgotten;
        _forgottenTerm = forgottenTerm;
        Last = forgotten;
    }

    /// <summary>
    /// The entries from an index on, for a message: at least one, as many as fit, at most to the end of the chunk.
    /// </summary>
    /// <param name="from">The first one; if it is behind the last, the slice is empty.</param>
    /// <param name="bytesMax">What their data and overheads may sum up to, unless the first alone is larger.</param>
    /// <param name="payload">The bytes of their data.</param>
    /// <param name="bytes">The same with overheads.</param>
    public ReadOnlyMemory<Entry> Slice(LogIndex from, long bytesMax, out long payload, out long bytes)
    {
        payload = 0;
        bytes = 0;
        if (from > Last)
        {
            return default;
        }

        ref Chunk chunk = ref ChunkOf(from);
        int first = Slot(from);
        int most = (int)Math.Min((ulong)(Size - first), Last.Value - from.Value + 1);
        int count = 0;
        for (; count < most; count++)
        {
            int length = chunk.Entries[first + count].Data.Length;
            if (count > 0 && bytes + length + EntryOverheadBytes > bytesMax)
            {
                break;
            }

            payload += length;
            bytes += length + EntryOverheadBytes;
        }

        chunk.IsShared = true;
        return chunk.Entries.AsMemory(first, count);
    }

    private static int Slot(LogIndex index) => (int)(index.Value & (Size - 1));

    private static ulong Number(LogIndex index) => index.Value >> SizeBits;

    private int Place(ulong chunk) => (int)(chunk & (ulong)(_ring.Length - 1));

    private ref Chunk ChunkOf(LogIndex index) => ref _ring[Place(Number(index))];

    private void AddChunk(ulong number)
    {
        if (_chunks == 0)
        {
            _firstChunk = number;
        }
        else if (_chunks == _ring.Length)
        {
            var larger = new Chunk[_ring.Length * 2];
            for (ulong chunk = _firstChunk; chunk < number; chunk++)
            {
                larger[(int)(chunk & (ulong)(larger.Length - 1))] = _ring[Place(chunk)];
            }

            _ring = larger;
        }

        _ring[Place(number)] = new Chunk { Entries = TakeSpare() };
        _chunks++;
    }

    private Entry[] TakeSpare() => _spares.TryPop(out Entry[]? spare) ? spare : new Entry[Size];

    private void Retire(ref Chunk chunk)
    {
        if (!chunk.IsShared && _spares.Count < SparesMax)
        {
            Array.Clear(chunk.Entries);
            _spares.Push(chunk.Entries);
        }

        chunk = default;
    }

    private void DropTail(ref Chunk chunk, int kept)
    {
        if (!chunk.IsShared)
        {
            chunk.Entries.AsSpan(kept).Clear();
            return;
        }

        Entry[] copy = TakeSpare();
        chunk.Entries.AsSpan(0, kept).CopyTo(copy);
        chunk = new Chunk { Entries = copy };
    }

    private void ClearHead(LogIndex from, LogIndex through)
    {
        ref Chunk chunk = ref _ring[Place(_firstChunk)];
        if (!chunk.IsShared && Number(through) == _firstChunk)
        {
            int first = Number(from) == _firstChunk ? Slot(from) : 0;
            chunk.Entries.AsSpan(first, Slot(through) + 1 - first).Clear();
        }
    }

    private struct Chunk
    {
        public Entry[] Entries;

        /// <summary>Whether a message may still look at it.</summary>
        public bool IsShared;
    }
}
