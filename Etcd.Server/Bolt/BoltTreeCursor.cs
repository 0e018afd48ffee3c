using System.Buffers.Binary;

namespace Etcd.Server.Bolt;

/// <summary>What the values of a tree are.</summary>
internal enum BoltElementKind
{
    /// <summary>Values.</summary>
    Value,

    /// <summary>Buckets; only the root's tree has those in etcd's databases.</summary>
    Bucket,
}

/// <summary>Goes through a tree of a <see cref="BoltReader"/>; holds one node per level.</summary>
internal sealed class BoltTreeCursor : BoltCursor
{
    // Two children per branch at the least give more pages than any disk holds long before.
    private const int DepthMax = 64;

    private readonly BoltReader _reader;
    private readonly string _bucket;
    private readonly BoltLeaf _leaf;
    private readonly List<Level> _path = [];
    private readonly byte[] _header = new byte[BoltFormat.PageHeaderBytes];
    private byte[] _leafBytes = [];
    private byte[] _lastKey = [];
    private int _lastKeyLength = -1;
    private ulong? _next;

    public BoltTreeCursor(BoltReader reader, string bucket, ulong root, BoltElementKind elements)
    {
        _reader = reader;
        _bucket = bucket;
        _leaf = new BoltLeaf("", elements);
        _next = root;
    }

    public override ReadOnlySpan<byte> Key => _leaf.Key;

    public override ReadOnlySpan<byte> Value => _leaf.Value;

    private string Tree => _bucket.Length == 0 ? "the list of buckets" : $"bucket \"{_bucket}\"";

    public override bool MoveNext()
    {
        while (!_leaf.MoveNext())
        {
            // The last key of a leaf bounds what follows in the next one.
            KeepLastKey();
            if (!NextLeaf())
                return false;
        }

        return true;
    }

    private void KeepLastKey()
    {
        ReadOnlySpan<byte> last = _leaf.LastKey;
        if (last.IsEmpty)
            return;

        if (_lastKey.Length < last.Length)
            _lastKey = new byte[Math.Max(64, last.Length)];

        last.CopyTo(_lastKey);
        _lastKeyLength = last.Length;
    }

    private bool NextLeaf()
    {
        string by = Tree;
        if (_next is not { } page)
        {
            while (_path.Count > 0 && _path[^1].At + 1 >= _path[^1].Count)
                _path.RemoveAt(_path.Count - 1);

            if (_path.Count == 0)
                return false;

            _path[^1].At++;
            page = _path[^1].Child;
            by = _path[^1].Place;
        }

        _next = null;
        while (true)
        {
            BoltPageHeader header = ReadHeader(page, by);
            string place = $"{Tree}, page {page} at offset {(long)page * _reader.PageBytes}";
            if (header.Kind == BoltFormat.Leaf)
            {
                LoadLeaf(page, header, place);
                return true;
            }

            if (header.Kind != BoltFormat.Branch)
                throw new InvalidDataException($"{place}: it is of the kind 0x{header.Kind:x}, neither branch nor leaf");

            if (_path.Count == DepthMax)
                throw new InvalidDataException($"{place}: the tree is more than {DepthMax} levels deep");

            Level level = LoadBranch(page, header, place);
            _path.Add(level);
            page = level.Child;
            by = place;
        }
    }

    private BoltPageHeader ReadHeader(ulong page, string by)
    {
        // The claim of the pages behind it follows when its head was believed.
        _reader.Claim(_bucket, page, 1, by);
        _reader.Read(page, 0, _header);
        BoltPageHeader header = BoltFormat.ReadPageHeader(_header);
        if (header.Id != page)
            throw new InvalidDataException($"{by} refers to page {page}, which says that it is page {header.Id}");

        if (header.Overflow > 0)
            _reader.Claim(_bucket, page + 1, header.Overflow, $"page {page}");

        return header;
    }

    private Span<byte> ReadNode(ulong page, BoltPageHeader header, string place, ref byte[] buffer)
    {
        long length = (1L + header.Overflow) * _reader.PageBytes;
        if (length > Array.MaxLength)
            throw new InvalidDataException($"{place}: it is {length} bytes long");

        if (buffer.Length < length)
            buffer = new byte[length];

        Span<byte> bytes = buffer.AsSpan(0, (int)length);
        _reader.Read(page, 0, bytes);
        return bytes;
    }

    private void LoadLeaf(ulong page, BoltPageHeader header, string place)
    {
        Span<byte> bytes = ReadNode(page, header, place, ref _leafBytes);
        _leaf.Load(_leafBytes.AsMemory(0, bytes.Length), header.Count, place);
        if (header.Count == 0)
            return;

        ReadOnlySpan<byte> first = _leaf.FirstKey;
        CheckLowerBound(first, place);
        if (_path.Count > 0 && first.SequenceCompareTo(_path[^1].Key) < 0)
            throw new InvalidDataException($"{place}: its first key comes before the one that its parent names");

        foreach (Level level in _path)
        {
            if (level.HasUpperBound && _leaf.LastKey.SequenceCompareTo(level.UpperBound) >= 0)
                throw new InvalidDataException($"{place}: its last key belongs to the page behind it");
        }
    }

    private void CheckLowerBound(ReadOnlySpan<byte> key, string place)
    {
        if (_lastKeyLength >= 0 && key.SequenceCompareTo(_lastKey.AsSpan(0, _lastKeyLength)) <= 0)
            throw new InvalidDataException($"{place}: its first key does not come after the keys before it");
    }

    private Level LoadBranch(ulong page, BoltPageHeader header, string place)
    {
        if (header.Count == 0)
            throw new InvalidDataException($"{place}: it is a branch without children");

        byte[] bytes = [];
        ReadNode(page, header, place, ref bytes);
        var level = new Level(bytes, header.Count, place);
        for (int at = 0; at < header.Count; at++)
        {
            level.CheckElement(at);
            if (at > 0 && level.KeyAt(at - 1).SequenceCompareTo(level.KeyAt(at)) >= 0)
                throw new InvalidDataException($"{place}, element {at}: its key does not come after the one before it");
        }

        CheckLowerBound(level.KeyAt(0), place);
        if (_path.Count > 0 && level.KeyAt(0).SequenceCompareTo(_path[^1].Key) < 0)
            throw new InvalidDataException($"{place}: its first key comes before the one that its parent names");

        return level;
    }

    /// <summary>A branch, and at which child the cursor is.</summary>
    private sealed class Level(byte[] bytes, int count, string place)
    {
        public int At { get; set; }

        public int Count => count;

        public string Place => place;

        public ulong Child => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(ElementAt(At) + 8));

        public ReadOnlySpan<byte> Key => KeyAt(At);

        public bool HasUpperBound => At + 1 < count;

        public ReadOnlySpan<byte> UpperBound => KeyAt(At + 1);

        public void CheckElement(int at)
        {
            long element = ElementAt(at);
            if (element + BoltFormat.BranchElementBytes > bytes.Length)
                throw new InvalidDataException($"{place}: {count} elements do not fit it");

            (long position, long length) = KeyPlace(at);
            if (length is 0 or > BoltFormat.KeyBytesMax || element + position + length > bytes.Length)
            {
                throw new InvalidDataException(
                    $"{place}, element {at}: a key of {length} bytes at {element + position} does not fit the page's {bytes.Length} bytes");
            }
        }

        public ReadOnlySpan<byte> KeyAt(int at)
        {
            (long position, long length) = KeyPlace(at);
            return bytes.AsSpan((int)(ElementAt(at) + position), (int)length);
        }

        private (long Position, long Length) KeyPlace(int at)
        {
            ReadOnlySpan<byte> element = bytes.AsSpan(ElementAt(at));
            return (BinaryPrimitives.ReadUInt32LittleEndian(element), BinaryPrimitives.ReadUInt32LittleEndian(element[4..]));
        }

        private static int ElementAt(int at) => BoltFormat.PageHeaderBytes + (at * BoltFormat.BranchElementBytes);
    }
}
