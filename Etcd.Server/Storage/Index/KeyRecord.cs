using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Etcd.Server.Storage.Index;

/// <summary>
/// A key in a slab: <c>[head: version block and count, 8 bytes][length, 4][the key's bytes]</c>, padded to whole words. It
/// stays at its place for as long as the index knows the key. Only the head ever changes (<see cref="KeyVersions"/>).
/// The same layout, with an unused head, holds the separators of inner nodes.
/// </summary>
internal static class KeyRecord
{
    private const int PrefixBytes = 12;

    /// <summary>The words that a key's record takes.</summary>
    public static int Words(int keyLength) => (PrefixBytes + keyLength + 7) / 8;

    /// <summary>Stores a key.</summary>
    public static uint Create(Slabs slabs, ReadOnlySpan<byte> key)
    {
        uint handle = slabs.Allocate(Words(key.Length));
        ref long head = ref slabs.At(handle);
        head = 0;
        ref byte bytes = ref Unsafe.As<long, byte>(ref head);
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref bytes, 8), key.Length);
        key.CopyTo(MemoryMarshal.CreateSpan(ref Unsafe.Add(ref bytes, PrefixBytes), key.Length));
        return handle;
    }

    /// <summary>Gives the record back, once readers are gone.</summary>
    public static void Retire(Slabs slabs, uint handle) => slabs.Retire(handle, Words(Span(slabs, handle).Length));

    /// <summary>The key's bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ReadOnlySpan<byte> Span(Slabs slabs, uint handle)
    {
        ref byte bytes = ref Unsafe.As<long, byte>(ref slabs.At(handle));
        int length = Unsafe.ReadUnaligned<int>(ref Unsafe.Add(ref bytes, 8));
        return MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref bytes, PrefixBytes), length);
    }

    /// <summary>Eight bytes of a key from an offset on as a number that orders as the bytes do; what is missing counts as 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Chunk(ReadOnlySpan<byte> key, int offset)
    {
        int left = key.Length - offset;
        if (left >= 8)
            return BinaryPrimitives.ReadUInt64BigEndian(key[offset..]);

        return left <= 0 ? 0 : ShortChunk(key[offset..]);
    }

    private static ulong ShortChunk(ReadOnlySpan<byte> rest)
    {
        ulong chunk = 0;
        for (int i = 0; i < rest.Length; i++)
            chunk |= (ulong)rest[i] << (56 - (8 * i));

        return chunk;
    }
}
