using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Etcd.Server.Primitives;

namespace Etcd.Server.Storage.Index;

/// <summary>
/// Memory for the index in slabs of 1 MiB, so that millions of keys are a few hundred objects for the garbage collector.
/// A block is named by a handle of 32 bits: its first word (8 bytes), counted over all slabs, which addresses 32 GiB.
/// Handle 0 names nothing. Freed blocks are kept by size and are used again for the same size; a block is only freed when
/// no reader can see it (<see cref="Retire"/>, <see cref="Reclaim"/>).
/// Threads: <see cref="At"/> from any thread for a handle that was published to it; the rest from the writer's.
/// </summary>
internal sealed class Slabs
{
    /// <summary>Blocks up to this many words have a free list of their exact size; larger ones are rounded to powers of two.</summary>
    public const int ExactWordsMax = 2304;

    private const int SlabShift = 17;
    private const int SlabWords = 1 << SlabShift;
    private const uint OffsetMask = SlabWords - 1;
    private const int SlabsMax = 1 << (32 - SlabShift);

    private readonly uint[] _freeExact = new uint[ExactWordsMax + 1];
    private readonly uint[] _freePowers = new uint[32];
    private readonly Stack<int> _freeSlabNumbers = new();
    private long[][] _slabs = new long[16][];
    private int _slabCount;
    private int _bumpSlab = -1;
    private int _bumpNext = SlabWords;
    private List<Block> _retired = [];
    private List<Block> _retiredBefore = [];

    /// <summary>Bytes taken from the runtime.</summary>
    public long ReservedBytes { get; private set; }

    /// <summary>Bytes in blocks that are in use, or retired and not reclaimed yet.</summary>
    public long UsedBytes { get; private set; }

    /// <summary>Whether blocks wait for <see cref="Reclaim"/>.</summary>
    public bool HasRetired => _retired.Count + _retiredBefore.Count > 0;

    /// <summary>The first word of a block; the following words are contiguous.</summary>
    /// <param name="handle">The block's handle.</param>
    /// <returns>A reference that keeps the slab alive.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref long At(uint handle)
    {
        long[] slab = Volatile.Read(ref _slabs)[handle >> SlabShift];
        return ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(slab), (nint)(handle & OffsetMask));
    }

    /// <summary>Takes a block. Its content is undefined.</summary>
    /// <param name="words">Its size in words of 8 bytes.</param>
    /// <returns>The handle.</returns>
    public uint Allocate(int words)
    {
        int size = RoundedWords(words);
        UsedBytes += size * 8L;
        if (size > SlabWords)
            return (uint)AddSlab(size) << SlabShift;

        ref uint free = ref FreeList(size);
        if (free == 0)
            return Bump(size);

        uint handle = free;
        free = (uint)At(handle);
        return handle;
    }

    /// <summary>Gives a block back once readers that may have seen it are gone.</summary>
    /// <param name="handle">The block, already unlinked.</param>
    /// <param name="words">The size that it was allocated with.</param>
    public void Retire(uint handle, int words) => _retired.Add(new Block(handle, words));

    /// <summary>Called after each step of the epoch: frees what was retired before the previous step.</summary>
    public void Reclaim()
    {
        foreach (Block block in _retiredBefore)
            Free(block.Handle, RoundedWords(block.Words));

        _retiredBefore.Clear();
        if (_retiredBefore.Capacity > 65_536)
            _retiredBefore = [];

        (_retired, _retiredBefore) = (_retiredBefore, _retired);
    }

    private static int RoundedWords(int words) => words <= ExactWordsMax ? words : (int)BitOperations.RoundUpToPowerOf2((uint)words);

    private ref uint FreeList(int size) => ref size <= ExactWordsMax ? ref _freeExact[size] : ref _freePowers[BitOperations.Log2((uint)size)];

    private uint Bump(int size)
    {
        if (_bumpNext + size > SlabWords)
        {
            KeepRest();
            _bumpSlab = AddSlab(SlabWords);

            // Word 0 of the very first slab stays unused, because handle 0 names nothing.
            _bumpNext = _bumpSlab == 0 ? 1 : 0;
        }

        uint handle = ((uint)_bumpSlab << SlabShift) | (uint)_bumpNext;
        _bumpNext += size;
        return handle;
    }

    // What is left at the end of a slab is cut into the smallest blocks that keys and versions use.
    private void KeepRest()
    {
        const int Smallest = 4;
        for (; _bumpSlab >= 0 && _bumpNext + Smallest <= SlabWords; _bumpNext += Smallest)
        {
            uint handle = ((uint)_bumpSlab << SlabShift) | (uint)_bumpNext;
            At(handle) = _freeExact[Smallest];
            _freeExact[Smallest] = handle;
        }
    }

    private int AddSlab(int words)
    {
        if (!_freeSlabNumbers.TryPop(out int number))
        {
            Invariant.Check(_slabCount < SlabsMax, "the index has room for 32 GiB");
            number = _slabCount++;
            if (number == _slabs.Length)
            {
                var grown = new long[_slabs.Length * 2][];
                _slabs.CopyTo(grown, 0);
                Volatile.Write(ref _slabs, grown);
            }
        }

        _slabs[number] = GC.AllocateUninitializedArray<long>(words);
        ReservedBytes += words * 8L;
        return number;
    }

    private void Free(uint handle, int size)
    {
        UsedBytes -= size * 8L;
        if (size > SlabWords)
        {
            int number = (int)(handle >> SlabShift);
            _slabs[number] = null!;
            _freeSlabNumbers.Push(number);
            ReservedBytes -= size * 8L;
            return;
        }

        ref uint free = ref FreeList(size);
        At(handle) = free;
        free = handle;
    }

    private readonly record struct Block(uint Handle, int Words);
}
