namespace Etcd.Bench.Http2.Hpack;

/// <summary>
/// Decodes the header blocks of one direction of one connection (RFC 7541). Every block must be decoded, in order,
/// because each may change the dynamic table. Indexed fields cost no allocation.
/// </summary>
internal sealed class HpackDecoder(int tableCapacityMax = HpackDecoder.DefaultTableCapacity)
{
    public const int DefaultTableCapacity = 4096;

    private readonly DynamicTable _table = new(tableCapacityMax);
    private byte[] _nameScratch = new byte[256];
    private byte[] _valueScratch = new byte[1024];

    public int DynamicTableSize => _table.Size;

    public void Decode<TSink>(ReadOnlySpan<byte> block, ref TSink sink)
        where TSink : IHeaderSink
    {
        bool fieldSeen = false;
        for (int position = 0; position < block.Length;)
        {
            byte first = block[position];
            if ((first & 0xE0) == 0x20)
            {
                ReadTableResize(block, ref position, fieldSeen);
                continue;
            }
            fieldSeen = true;
            if ((first & 0x80) != 0)
            {
                HeaderField field = Lookup(HpackInteger.Read(block, ref position, 7));
                sink.OnHeader(field.Name, field.Value);
            }
            else if ((first & 0xC0) == 0x40)
            {
                ReadLiteral(block, ref position, 6, keep: true, ref sink);
            }
            else
            {
                ReadLiteral(block, ref position, 4, keep: false, ref sink);
            }
        }
    }

    private void ReadTableResize(ReadOnlySpan<byte> block, ref int position, bool fieldSeen)
    {
        if (fieldSeen)
            throw new Http2ProtocolException("HPACK: a table size update stands behind a field");
        int capacity = HpackInteger.Read(block, ref position, 5);
        if (capacity > tableCapacityMax)
            throw new Http2ProtocolException($"HPACK: a table size update to {capacity}, beyond the agreed {tableCapacityMax}");
        _table.Resize(capacity);
    }

    private void ReadLiteral<TSink>(ReadOnlySpan<byte> block, ref int position, int prefixBits, bool keep, ref TSink sink)
        where TSink : IHeaderSink
    {
        int nameIndex = HpackInteger.Read(block, ref position, prefixBits);
        ReadOnlySpan<byte> name = nameIndex > 0
            ? Lookup(nameIndex).Name
            : ReadString(block, ref position, ref _nameScratch);
        ReadOnlySpan<byte> value = ReadString(block, ref position, ref _valueScratch);
        sink.OnHeader(name, value);
        if (keep)
            _table.Insert(new HeaderField(name.ToArray(), value.ToArray()));
    }

    private static ReadOnlySpan<byte> ReadString(ReadOnlySpan<byte> block, ref int position, ref byte[] scratch)
    {
        bool huffman = position < block.Length && (block[position] & 0x80) != 0;
        int length = HpackInteger.Read(block, ref position, 7);
        if (length > block.Length - position)
            throw new Http2ProtocolException("HPACK: a header block ends inside a string");
        ReadOnlySpan<byte> raw = block.Slice(position, length);
        position += length;
        if (!huffman)
            return raw;
        if (scratch.Length < Huffman.DecodedLengthMax(length))
            scratch = new byte[Huffman.DecodedLengthMax(length)];
        return scratch.AsSpan(0, Huffman.Decode(raw, scratch));
    }

    private HeaderField Lookup(int index)
    {
        if (index > 0 && index <= StaticTable.Count)
            return StaticTable.Get(index);
        int age = index - StaticTable.Count - 1;
        if (index == 0 || age >= _table.Count)
            throw new Http2ProtocolException($"HPACK: index {index} is not in the tables");
        return _table.Get(age);
    }
}
