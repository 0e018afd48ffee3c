using System.Buffers.Binary;
using System.Text;

namespace Etcd.Server.Bolt;

/// <summary>
/// Reads a bbolt database without trusting it: every length, page number and order is checked before it is used, and a tree
/// that leads back to a page that was seen ends the read. What cannot be found out is a changed byte inside a value, because
/// the format has checksums in its first two pages only. Holds a page per level of the tree in memory, never the file.
/// <para>Every member throws <see cref="InvalidDataException"/>, which says what is wrong and where, if the file is damaged.
/// Used by one thread.</para>
/// </summary>
public sealed class BoltReader
{
    private readonly Stream _file;
    private readonly long _length;
    private readonly BoltMeta _meta;
    private readonly SortedDictionary<string, BucketPlace> _buckets = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PageSet> _seen = new(StringComparer.Ordinal);

    /// <summary>Opens a database and reads the list of its buckets.</summary>
    /// <param name="file">The file from its begin; seekable. It may be longer than the database. Not disposed.</param>
    /// <exception cref="InvalidDataException">It is no such file.</exception>
    public BoltReader(Stream file)
    {
        _file = file;
        _length = file.Length;
        _meta = FindMeta();
        if (_meta.Pages > (ulong)(_length / _meta.PageBytes))
        {
            throw new InvalidDataException(
                $"the database says that it has {_meta.Pages} pages of {_meta.PageBytes} bytes, but the file has {_length} bytes");
        }

        ReadBuckets();
    }

    /// <summary>The names of the buckets, in order.</summary>
    public IReadOnlyCollection<string> Buckets => _buckets.Keys;

    /// <summary>Begins to go through a bucket.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The cursor; null if there is no such bucket.</returns>
    public BoltCursor? Open(string name)
    {
        if (!_buckets.TryGetValue(name, out BucketPlace place))
            return null;

        return place.Inline is null ? OpenTree(name, place.Root, BoltElementKind.Value) : OpenInline(name, place.Inline);
    }

    internal int PageBytes => _meta.PageBytes;

    /// <summary>Checks a page number that something refers to, and that nothing has referred to the page before.</summary>
    internal void Claim(string bucket, ulong page, ulong count, string by)
    {
        if (page < 2 || page >= _meta.Pages || count > _meta.Pages - page)
            throw new InvalidDataException($"{by} refers to page {page} with {count - 1} behind it, but the database has {_meta.Pages} pages");

        for (ulong at = page; at < page + count; at++)
        {
            if (_seen.Values.Any(seen => seen.Contains(at)))
                throw new InvalidDataException($"{by} refers to page {at}, which belongs to another part of the database already");
        }

        _seen[bucket].Add(page, count);
    }

    /// <summary>Reads bytes of a page.</summary>
    internal void Read(ulong page, int offset, Span<byte> into)
    {
        _file.Position = ((long)page * _meta.PageBytes) + offset;
        ReadExactly(into);
    }

    private static InvalidDataException NoDatabase(string why) => new($"this is not a bbolt database: {why}");

    // A write that was torn may have damaged one of the two pages; the other one is the state before.
    private BoltMeta FindMeta()
    {
        string? firstWrong = TryMeta(0, out BoltMeta first);
        if (firstWrong is null)
            return TryMeta(first.PageBytes, out BoltMeta second) is null && second.Transaction > first.Transaction ? second : first;

        for (int pageBytes = BoltFormat.PageBytesMin; pageBytes <= BoltFormat.PageBytesMax; pageBytes *= 2)
        {
            if (TryMeta(pageBytes, out BoltMeta second) is null && second.PageBytes == pageBytes)
                return second;
        }

        throw NoDatabase($"page 0: {firstWrong}, and no second page stands in for it");
    }

    private string? TryMeta(long offset, out BoltMeta meta)
    {
        meta = default;
        Span<byte> page = stackalloc byte[BoltFormat.PageHeaderBytes + BoltFormat.MetaBytes];
        if (_length < offset + page.Length)
            return $"the file has only {_length} bytes";

        _file.Position = offset;
        ReadExactly(page);
        return BoltFormat.ReadMeta(page[BoltFormat.PageHeaderBytes..], out meta);
    }

    private void ReadExactly(Span<byte> into)
    {
        try
        {
            _file.ReadExactly(into);
        }
        catch (EndOfStreamException e)
        {
            throw new InvalidDataException($"the file became shorter than {_length} bytes while it was read", e);
        }
    }

    private void ReadBuckets()
    {
        BoltCursor cursor = OpenTree("", _meta.Root, BoltElementKind.Bucket);
        while (cursor.MoveNext())
        {
            string name = Encoding.Latin1.GetString(cursor.Key);
            ReadOnlySpan<byte> value = cursor.Value;
            if (value.Length < BoltFormat.BucketHeaderBytes)
                throw new InvalidDataException($"bucket \"{name}\" has a head of {value.Length} bytes");

            ulong root = BinaryPrimitives.ReadUInt64LittleEndian(value);
            byte[]? inline = root == 0 ? value[BoltFormat.BucketHeaderBytes..].ToArray() : null;
            _buckets.Add(name, new BucketPlace(root, inline));
        }
    }

    private BoltTreeCursor OpenTree(string bucket, ulong root, BoltElementKind elements)
    {
        _seen[bucket] = new PageSet(_meta.Pages);
        return new BoltTreeCursor(this, bucket, root, elements);
    }

    private static BoltLeafCursor OpenInline(string bucket, byte[] page)
    {
        string place = $"bucket \"{bucket}\", which stands inside its parent";
        if (page.Length < BoltFormat.PageHeaderBytes)
            throw new InvalidDataException($"{place}: its page has {page.Length} bytes");

        BoltPageHeader header = BoltFormat.ReadPageHeader(page);
        if (header.Kind != BoltFormat.Leaf)
            throw new InvalidDataException($"{place}: its page has the kind 0x{header.Kind:x}");

        var leaf = new BoltLeaf(place, BoltElementKind.Value);
        leaf.Load(page, header.Count);
        return new BoltLeafCursor(leaf);
    }

    private readonly record struct BucketPlace(ulong Root, byte[]? Inline);

    /// <summary>Pages that were seen. Its size follows the file's real length, not what the file says.</summary>
    private sealed class PageSet(ulong pages)
    {
        private readonly ulong[] _bits = new ulong[(pages / 64) + 1];

        public bool Contains(ulong page) => (_bits[page / 64] & (1UL << (int)(page % 64))) != 0;

        public void Add(ulong page, ulong count)
        {
            for (ulong at = page; at < page + count; at++)
                _bits[at / 64] |= 1UL << (int)(at % 64);
        }
    }
}
