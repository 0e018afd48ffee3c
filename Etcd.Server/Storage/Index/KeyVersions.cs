using System.Runtime.CompilerServices;
using Etcd.Server.Primitives;

namespace Etcd.Server.Storage.Index;

/// <summary>
/// The versions of a key, oldest first, over all its generations (a generation begins with the put that creates the key
/// and ends with its tombstone). They stand in a block of a slab:
/// <code>
/// [created of the first entry's generation]
/// [versions of that generation before the first entry: 48 bits | capacity: 15 bits | has older chunks: 1 bit]
/// [directory of older chunks, if any]
/// entries of two words: [main revision] [sub: 32 bits | entry that begins the generation: 16 bits | lease, tombstone]
/// </code>
/// The key's head names block and count in one word, so that a reader takes both at once. Entries below the count never
/// change: an append writes the entry behind them and then the head. A reader at revision R simply does not look at what is
/// newer than R, so appending needs no copy of the tree. A block that is full is replaced by a larger one, up to
/// <see cref="EntriesMax"/>; from then on full chunks go into a directory, which is searched by first revision.
/// <para>
/// Example, as put(1.0) put(2.0) delete(3.0) put(4.0) delete(5.0): created 1, before 0, entries 1.0 2.0 3.0t | 4.0 5.0t;
/// the last two name entry 3 as their beginning. Compacted to 2: created 1, before 1, entries 2.0 3.0t | 4.0 5.0t;
/// to 4: created 4, before 0, entries 4.0 5.0t; to 5: 5.0t; to 6: nothing.
/// </para>
/// Threads: <see cref="TryFind"/> from any thread that holds a pin; the rest from the writer's.
/// </summary>
internal sealed class KeyVersions(Slabs slabs)
{
    /// <summary>The most entries in one block: what a step of compaction or a growth copies at the most.</summary>
    public const int EntriesMax = 1024;

    /// <summary>The largest version number that an entry can have before it.</summary>
    public const long VersionMax = BeforeMask;

    private const long BeforeMask = (1L << 48) - 1;
    private const int CapacityShift = 48;
    private const int CapacityMask = (1 << 15) - 1;
    private const long HasOlderBit = 1L << 63;
    private const int StartShift = 32;
    private const int StartMask = 0xFFFF;
    private const long LeaseBit = 1L << 62;
    private const long TombstoneBit = 1L << 63;

    /// <summary>The newest version that is not after a main revision, tombstones too.</summary>
    /// <param name="key">The key's handle.</param>
    /// <param name="atMain">The main revision.</param>
    /// <param name="version">What was found.</param>
    /// <returns>False if the key did not exist yet, or that is compacted.</returns>
    public bool TryFind(uint key, long atMain, out KeyVersion version)
    {
        Head head = ReadHead(key);
        if (head.Count > 0)
        {
            var chunk = new Chunk(ref slabs.At(head.Block));
            int at = chunk.NewestNotAfter(head.Count, atMain);
            if (at >= 0)
            {
                version = chunk.Version(at);
                return true;
            }

            if (chunk.HasOlder)
                return TryFindOlder(chunk.Older, atMain, out version);
        }

        version = default;
        return false;
    }

    /// <summary>The newest version of all.</summary>
    public KeyVersion Newest(uint key)
    {
        Head head = ReadHead(key);
        return new Chunk(ref slabs.At(head.Block)).Version(head.Count - 1);
    }

    /// <summary>Whether exactly this revision is still among the key's versions and is the newest one not after <paramref name="atMain"/>.</summary>
    public bool IsNewestAt(uint key, Revision revision, long atMain) =>
        TryFind(key, atMain, out KeyVersion version) && version.Modified == revision;

    /// <summary>Adds a version behind all others.</summary>
    /// <param name="key">The key's handle.</param>
    /// <param name="revision">Above the revision of every other version of the key.</param>
    /// <param name="newGeneration">The put creates the key.</param>
    /// <param name="tombstone">The revision deletes the key.</param>
    /// <param name="hasLease">The record names a lease.</param>
    public void Append(uint key, Revision revision, bool newGeneration, bool tombstone, bool hasLease)
    {
        Head head = RoomForOne(key, revision, newGeneration);
        var chunk = new Chunk(ref slabs.At(head.Block));
        int start = newGeneration ? head.Count : head.Count == 0 ? 0 : chunk.StartOf(head.Count - 1);
        ref long entry = ref chunk.Entry(head.Count);
        entry = revision.Main;
        Unsafe.Add(ref entry, 1) = (uint)revision.Sub | ((long)start << StartShift) | (hasLease ? LeaseBit : 0) | (tombstone ? TombstoneBit : 0);
        WriteHead(key, head.Block, head.Count + 1);
    }

    /// <summary>
    /// Adds the first version of a key whose earlier ones a compaction has dropped before the index was made.
    /// </summary>
    /// <param name="key">The key's handle; it has no versions.</param>
    /// <param name="version">The version.</param>
    public void Restore(uint key, in KeyVersion version)
    {
        Invariant.Check(ReadHead(key).Block == 0, "only the first version of a key needs to say what was before it");
        uint block = NewChunk(1, older: 0, version.Created, before: Math.Max(0, version.Version - 1));
        ref long entry = ref new Chunk(ref slabs.At(block)).Entry(0);
        entry = version.Modified.Main;
        Unsafe.Add(ref entry, 1) = (uint)version.Modified.Sub
            | (version.HasLease ? LeaseBit : 0) | (version.IsTombstone ? TombstoneBit : 0);
        WriteHead(key, block, 1);
    }

    /// <summary>
    /// Drops versions that no read at or after a main revision can need: all before the newest not after it, and that one too
    /// if it is a tombstone of an earlier revision. One call drops at most <see cref="EntriesMax"/>. No reader below that
    /// revision may be left.
    /// </summary>
    /// <param name="key">The key's handle.</param>
    /// <param name="atMain">The revision compacted to.</param>
    /// <param name="dropped">Receives what was dropped.</param>
    /// <returns>Whether to call again, and whether anything is left.</returns>
    public KeyCompaction Compact(uint key, long atMain, List<Revision> dropped)
    {
        Head head = ReadHead(key);
        var chunk = new Chunk(ref slabs.At(head.Block));
        return chunk.HasOlder ? CompactOldest(key, head, chunk.Older, atMain, dropped) : CompactOnly(key, head, atMain, dropped);
    }

    /// <summary>Gives the block of a key that was emptied back.</summary>
    public void Retire(uint key)
    {
        Head head = ReadHead(key);
        RetireChunk(head.Block);
    }

    private static int Words(int capacity, bool hasOlder) => 2 + (hasOlder ? 1 : 0) + (2 * capacity);

    private Head ReadHead(uint key)
    {
        long head = Volatile.Read(ref slabs.At(key));
        return new Head((uint)(head >>> 32), (int)(head & 0xFFFFFFFF));
    }

    private void WriteHead(uint key, uint block, int count) => Volatile.Write(ref slabs.At(key), ((long)block << 32) | (uint)count);

    private bool TryFindOlder(uint directory, long atMain, out KeyVersion version)
    {
        ref long words = ref slabs.At(directory);
        int low = 0;
        int high = (int)(Volatile.Read(ref words) & 0xFFFFFFFF);
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (Unsafe.Add(ref words, 1 + (2 * middle)) <= atMain)
                low = middle + 1;
            else
                high = middle;
        }

        if (low == 0)
        {
            version = default;
            return false;
        }

        long older = Unsafe.Add(ref words, 2 * low);
        var chunk = new Chunk(ref slabs.At((uint)(older >>> 32)));
        version = chunk.Version(chunk.NewestNotAfter((int)(older & 0xFFFFFFFF), atMain));
        return true;
    }

    private Head RoomForOne(uint key, Revision revision, bool newGeneration)
    {
        Head head = ReadHead(key);
        if (head.Block == 0)
            return new Head(NewChunk(1, older: 0, revision.Main, before: 0), 0);

        var chunk = new Chunk(ref slabs.At(head.Block));
        if (head.Count < chunk.Capacity)
            return head;

        if (chunk.Capacity < EntriesMax)
            return Grown(head, chunk);

        return Sealed(head, chunk, revision, newGeneration);
    }

    private Head Grown(Head head, Chunk chunk)
    {
        // A quarter more: each entry is copied some four times while its block grows, and little room is unused.
        int capacity = Math.Min(EntriesMax, head.Count < 4 ? head.Count * 2 : head.Count + Math.Max(2, head.Count / 4));
        uint block = NewChunk(capacity, chunk.HasOlder ? chunk.Older : 0, chunk.Created, chunk.Before);
        var grown = new Chunk(ref slabs.At(block));
        for (int i = 0; i < 2 * head.Count; i++)
            Unsafe.Add(ref grown.Entry(0), i) = Unsafe.Add(ref chunk.Entry(0), i);

        RetireChunk(head.Block);
        return new Head(block, head.Count);
    }

    private Head Sealed(Head head, Chunk chunk, Revision revision, bool newGeneration)
    {
        uint directory = DirectoryAppend(chunk.HasOlder ? chunk.Older : 0, chunk.MainOf(0), head);
        KeyVersion last = chunk.Version(head.Count - 1);
        const int FirstCapacity = 64;
        uint block = newGeneration
            ? NewChunk(FirstCapacity, directory, revision.Main, before: 0)
            : NewChunk(FirstCapacity, directory, last.Created, last.Version);
        return new Head(block, 0);
    }

    private uint NewChunk(int capacity, uint older, long created, long before)
    {
        uint block = slabs.Allocate(Words(capacity, older != 0));
        ref long words = ref slabs.At(block);
        words = created;
        Unsafe.Add(ref words, 1) = before | ((long)capacity << CapacityShift) | (older != 0 ? HasOlderBit : 0);
        if (older != 0)
            Unsafe.Add(ref words, 2) = older;

        return block;
    }

    private void RetireChunk(uint block)
    {
        var chunk = new Chunk(ref slabs.At(block));
        slabs.Retire(block, Words(chunk.Capacity, chunk.HasOlder));
    }

    // The directory: [count: low half, capacity: high half] then pairs [first main] [chunk: high half, its count: low half].
    private uint DirectoryAppend(uint directory, long firstMain, Head full)
    {
        int count = 0;
        int capacity = 0;
        if (directory != 0)
        {
            long sizes = slabs.At(directory);
            count = (int)(sizes & 0xFFFFFFFF);
            capacity = (int)(sizes >>> 32);
        }

        if (count == capacity)
            directory = DirectoryCopy(directory, from: 0, count, capacity: Math.Max(4, capacity * 2));

        ref long words = ref slabs.At(directory);
        Unsafe.Add(ref words, 1 + (2 * count)) = firstMain;
        Unsafe.Add(ref words, 2 + (2 * count)) = ((long)full.Block << 32) | (uint)full.Count;
        Volatile.Write(ref words, (words & ~0xFFFFFFFFL) | (uint)(count + 1));
        return directory;
    }

    private uint DirectoryCopy(uint directory, int from, int count, int capacity)
    {
        uint copy = slabs.Allocate(1 + (2 * capacity));
        ref long to = ref slabs.At(copy);
        to = ((long)capacity << 32) | (uint)(count - from);
        if (directory != 0)
        {
            ref long words = ref slabs.At(directory);
            for (int i = 0; i < 2 * (count - from); i++)
                Unsafe.Add(ref to, 1 + i) = Unsafe.Add(ref words, 1 + (2 * from) + i);

            RetireDirectory(directory);
        }

        return copy;
    }

    private void RetireDirectory(uint directory) => slabs.Retire(directory, 1 + (2 * (int)(slabs.At(directory) >>> 32)));

    private KeyCompaction CompactOnly(uint key, Head head, long atMain, List<Revision> dropped)
    {
        var chunk = new Chunk(ref slabs.At(head.Block));
        int keepFrom = chunk.KeepFrom(head.Count, atMain);
        if (keepFrom == 0)
            return KeyCompaction.Done;

        chunk.AddRevisions(keepFrom, dropped);
        if (keepFrom == head.Count)
            return KeyCompaction.Empty;

        uint trimmed = Trimmed(chunk, keepFrom, head.Count, older: 0);
        RetireChunk(head.Block);
        WriteHead(key, trimmed, head.Count - keepFrom);
        return KeyCompaction.Done;
    }

    private KeyCompaction CompactOldest(uint key, Head head, uint directory, long atMain, List<Revision> dropped)
    {
        ref long words = ref slabs.At(directory);
        int count = (int)(words & 0xFFFFFFFF);
        long oldest = Unsafe.Add(ref words, 2);
        var oldestHead = new Head((uint)(oldest >>> 32), (int)(oldest & 0xFFFFFFFF));
        var chunk = new Chunk(ref slabs.At(oldestHead.Block));

        // A newer chunk that begins at or before the revision makes all of this one superfluous.
        long nextFirst = count > 1 ? Unsafe.Add(ref words, 3) : new Chunk(ref slabs.At(head.Block)).MainOf(0);
        int keepFrom = nextFirst <= atMain ? oldestHead.Count : chunk.KeepFrom(oldestHead.Count, atMain);
        if (keepFrom == 0)
            return KeyCompaction.Done;

        chunk.AddRevisions(keepFrom, dropped);
        if (keepFrom < oldestHead.Count)
        {
            ReplaceOldest(key, head, directory, count, Trimmed(chunk, keepFrom, oldestHead.Count, older: 0), oldestHead.Count - keepFrom);
            RetireChunk(oldestHead.Block);
            return KeyCompaction.Done;
        }

        DropOldest(key, head, directory, count);
        RetireChunk(oldestHead.Block);
        return KeyCompaction.More;
    }

    private void ReplaceOldest(uint key, Head head, uint directory, int count, uint chunk, int chunkCount)
    {
        int capacity = (int)(slabs.At(directory) >>> 32);
        uint copy = DirectoryCopy(directory, from: 0, count, capacity);
        ref long words = ref slabs.At(copy);
        Unsafe.Add(ref words, 1) = new Chunk(ref slabs.At(chunk)).MainOf(0);
        Unsafe.Add(ref words, 2) = ((long)chunk << 32) | (uint)chunkCount;
        Relink(key, head, copy);
    }

    private void DropOldest(uint key, Head head, uint directory, int count)
    {
        if (count > 1)
        {
            int capacity = (int)(slabs.At(directory) >>> 32);
            Relink(key, head, DirectoryCopy(directory, from: 1, count, capacity));
            return;
        }

        var chunk = new Chunk(ref slabs.At(head.Block));
        uint alone = Trimmed(chunk, 0, head.Count, older: 0);
        RetireDirectory(directory);
        RetireChunk(head.Block);
        WriteHead(key, alone, head.Count);
    }

    // A single aligned word, so a reader sees the old directory or the new one.
    private void Relink(uint key, Head head, uint directory)
    {
        Invariant.Check(ReadHead(key).Block == head.Block, "a key's compaction is not interleaved with its writes");
        Volatile.Write(ref Unsafe.Add(ref slabs.At(head.Block), 2), directory);
    }

    private uint Trimmed(Chunk chunk, int keepFrom, int count, uint older)
    {
        KeyVersion first = chunk.Version(keepFrom);
        uint block = NewChunk(count - keepFrom, older, first.Created, first.Version - 1);
        var trimmed = new Chunk(ref slabs.At(block));
        for (int i = keepFrom; i < count; i++)
        {
            ref long to = ref trimmed.Entry(i - keepFrom);
            to = chunk.MainOf(i);
            int start = Math.Max(0, chunk.StartOf(i) - keepFrom);
            Unsafe.Add(ref to, 1) = (chunk.DetailOf(i) & ~((long)StartMask << StartShift)) | ((long)start << StartShift);
        }

        return block;
    }

    private readonly record struct Head(uint Block, int Count);

    /// <summary>A view of one block.</summary>
    private readonly ref struct Chunk
    {
        private readonly ref long _words;
        private readonly int _entries;

        public Chunk(ref long words)
        {
            _words = ref words;
            _entries = Unsafe.Add(ref words, 1) < 0 ? 3 : 2;
        }

        public long Created => _words;

        public long Before => Unsafe.Add(ref _words, 1) & BeforeMask;

        public int Capacity => (int)(Unsafe.Add(ref _words, 1) >> CapacityShift) & CapacityMask;

        public bool HasOlder => Unsafe.Add(ref _words, 1) < 0;

        public uint Older => (uint)Volatile.Read(ref Unsafe.Add(ref _words, 2));

        public ref long Entry(int at) => ref Unsafe.Add(ref _words, _entries + (2 * at));

        public long MainOf(int at) => Entry(at);

        public long DetailOf(int at) => Unsafe.Add(ref Entry(at), 1);

        public int StartOf(int at) => (int)(DetailOf(at) >> StartShift) & StartMask;

        public int NewestNotAfter(int count, long atMain)
        {
            // Most reads want the newest.
            if (MainOf(count - 1) <= atMain)
                return count - 1;

            int low = 0;
            int high = count - 1;
            while (low < high)
            {
                int middle = (low + high) >>> 1;
                if (MainOf(middle) <= atMain)
                    low = middle + 1;
                else
                    high = middle;
            }

            return low - 1;
        }

        public KeyVersion Version(int at)
        {
            long detail = DetailOf(at);
            int start = StartOf(at);
            var revision = new Revision(MainOf(at), (uint)detail);
            bool tombstone = (detail & TombstoneBit) != 0;
            bool hasLease = (detail & LeaseBit) != 0;
            return start == 0
                ? new KeyVersion(revision, Created, Before + at + 1, tombstone, hasLease)
                : new KeyVersion(revision, MainOf(start), at - start + 1, tombstone, hasLease);
        }

        public int KeepFrom(int count, long atMain)
        {
            int newest = NewestNotAfter(count, atMain);
            if (newest < 0)
                return 0;

            bool dead = DetailOf(newest) < 0 && MainOf(newest) < atMain;
            return dead ? newest + 1 : newest;
        }

        public void AddRevisions(int count, List<Revision> to)
        {
            for (int i = 0; i < count; i++)
                to.Add(new Revision(MainOf(i), (uint)DetailOf(i)));
        }
    }
}
