using System.Buffers.Binary;
using System.Numerics;

namespace Etcd.Server.Bolt;

/// <summary>
/// The fixed parts of a bbolt database file; docs/bolt-format.md describes it with worked bytes. All numbers are
/// little-endian. A page begins with its number (8 bytes), its kind (2), its element count (2) and the count of further pages
/// that belong to it (4).
/// </summary>
internal static class BoltFormat
{
    /// <summary>The size of the pages that are written; a file that is read says its own.</summary>
    public const int PageBytes = 4096;

    /// <summary>The head of a page.</summary>
    public const int PageHeaderBytes = 16;

    /// <summary>A leaf's element: flags, position of the key relative to the element, key length, value length; 4 bytes each.</summary>
    public const int LeafElementBytes = 16;

    /// <summary>A branch's element: position of the key relative to the element, key length, 4 bytes each, and the child's page number.</summary>
    public const int BranchElementBytes = 16;

    /// <summary>A bucket as a value: root page and sequence number, 8 bytes each.</summary>
    public const int BucketHeaderBytes = 16;

    /// <summary>The content of a meta page, checksum included.</summary>
    public const int MetaBytes = 64;

    /// <summary>The longest key that bbolt takes.</summary>
    public const int KeyBytesMax = 32768;

    /// <summary>Page kind: inner node of a tree.</summary>
    public const ushort Branch = 0x01;

    /// <summary>Page kind: leaf of a tree.</summary>
    public const ushort Leaf = 0x02;

    /// <summary>Page kind: one of the first two pages.</summary>
    public const ushort Meta = 0x04;

    /// <summary>A leaf element's flag: the value is a bucket.</summary>
    public const uint BucketFlag = 0x01;

    /// <summary>The number that stands for "no list of free pages in this file"; etcd opens its databases that way.</summary>
    public const ulong NoFreelist = ulong.MaxValue;

    /// <summary>The smallest page size that is believed.</summary>
    public const int PageBytesMin = 512;

    /// <summary>The largest page size that is believed.</summary>
    public const int PageBytesMax = 1 << 20;

    private const uint Magic = 0xED0CDAED;
    private const uint Version = 2;
    private const int ChecksumAt = 56;

    /// <summary>Writes the head of a page.</summary>
    public static void WritePageHeader(Span<byte> page, ulong id, ushort kind, int count, long overflow)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(page, id);
        BinaryPrimitives.WriteUInt16LittleEndian(page[8..], kind);
        BinaryPrimitives.WriteUInt16LittleEndian(page[10..], checked((ushort)count));
        BinaryPrimitives.WriteUInt32LittleEndian(page[12..], checked((uint)overflow));
    }

    /// <summary>Reads the head of a page.</summary>
    public static BoltPageHeader ReadPageHeader(ReadOnlySpan<byte> page) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(page),
        BinaryPrimitives.ReadUInt16LittleEndian(page[8..]),
        BinaryPrimitives.ReadUInt16LittleEndian(page[10..]),
        BinaryPrimitives.ReadUInt32LittleEndian(page[12..]));

    /// <summary>Writes the content of a meta page, behind the page's head.</summary>
    public static void WriteMeta(Span<byte> to, in BoltMeta meta)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(to, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(to[4..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(to[8..], (uint)meta.PageBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(to[12..], 0);
        BinaryPrimitives.WriteUInt64LittleEndian(to[16..], meta.Root);
        BinaryPrimitives.WriteUInt64LittleEndian(to[24..], 0);
        BinaryPrimitives.WriteUInt64LittleEndian(to[32..], NoFreelist);
        BinaryPrimitives.WriteUInt64LittleEndian(to[40..], meta.Pages);
        BinaryPrimitives.WriteUInt64LittleEndian(to[48..], meta.Transaction);
        BinaryPrimitives.WriteUInt64LittleEndian(to[ChecksumAt..], Checksum(to));
    }

    /// <summary>Reads the content of a meta page.</summary>
    /// <param name="from">The bytes behind the page's head.</param>
    /// <param name="meta">What they say.</param>
    /// <returns>Null, or what is wrong with them.</returns>
    public static string? ReadMeta(ReadOnlySpan<byte> from, out BoltMeta meta)
    {
        meta = default;
        if (BinaryPrimitives.ReadUInt32LittleEndian(from) != Magic)
            return "it does not have the magic number of a bbolt database";

        uint version = BinaryPrimitives.ReadUInt32LittleEndian(from[4..]);
        if (version != Version)
            return $"its format version is {version}; only {Version} is known";

        if (BinaryPrimitives.ReadUInt64LittleEndian(from[ChecksumAt..]) != Checksum(from))
            return "its checksum does not match";

        uint pageBytes = BinaryPrimitives.ReadUInt32LittleEndian(from[8..]);
        if (pageBytes is < PageBytesMin or > PageBytesMax || !BitOperations.IsPow2(pageBytes))
            return $"its page size is {pageBytes}";

        meta = new BoltMeta(
            (int)pageBytes,
            BinaryPrimitives.ReadUInt64LittleEndian(from[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(from[40..]),
            BinaryPrimitives.ReadUInt64LittleEndian(from[48..]));
        return null;
    }

    // FNV-1a, 64 bits, over everything before the checksum.
    private static ulong Checksum(ReadOnlySpan<byte> meta)
    {
        ulong hash = 14695981039346656037;
        foreach (byte value in meta[..ChecksumAt])
            hash = (hash ^ value) * 1099511628211;

        return hash;
    }
}

/// <summary>The head of a page.</summary>
/// <param name="Id">Its own number.</param>
/// <param name="Kind">One of <see cref="BoltFormat"/>'s page kinds.</param>
/// <param name="Count">How many elements.</param>
/// <param name="Overflow">How many pages behind it belong to it.</param>
internal readonly record struct BoltPageHeader(ulong Id, ushort Kind, int Count, uint Overflow);

/// <summary>What a meta page says.</summary>
/// <param name="PageBytes">The page size.</param>
/// <param name="Root">The page of the root bucket's tree.</param>
/// <param name="Pages">The high-water mark: all pages in use have smaller numbers.</param>
/// <param name="Transaction">The transaction that wrote it; the page with the higher one counts.</param>
internal readonly record struct BoltMeta(int PageBytes, ulong Root, ulong Pages, ulong Transaction);
