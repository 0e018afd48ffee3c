using System.Buffers.Binary;

namespace Etcd.Server.Bolt;

/// <summary>The elements of a leaf page, checked as a whole when it is loaded, then gone through.</summary>
internal sealed class BoltLeaf(string place, BoltElementKind elements)
{
    private ReadOnlyMemory<byte> _bytes;
    private int _count;
    private int _at;

    public ReadOnlySpan<byte> Key => KeyAt(_at);

    public ReadOnlySpan<byte> Value
    {
        get
        {
            Element element = ElementAt(_at);
            return _bytes.Span.Slice((int)(element.Key + element.KeyLength), (int)element.ValueLength);
        }
    }

    public ReadOnlySpan<byte> FirstKey => KeyAt(0);

    /// <summary>Empty if there is none.</summary>
    public ReadOnlySpan<byte> LastKey => _count == 0 ? default : KeyAt(_count - 1);

    public void Load(ReadOnlyMemory<byte> bytes, int count) => Load(bytes, count, place);

    public void Load(ReadOnlyMemory<byte> bytes, int count, string at)
    {
        _bytes = bytes;
        _count = count;
        _at = -1;
        if (BoltFormat.PageHeaderBytes + ((long)count * BoltFormat.LeafElementBytes) > bytes.Length)
            throw new InvalidDataException($"{at}: {count} elements do not fit it");

        for (int i = 0; i < count; i++)
            Check(i, at);
    }

    public bool MoveNext()
    {
        if (_at + 1 >= _count)
            return false;

        _at++;
        return true;
    }

    private void Check(int i, string at)
    {
        Element element = ElementAt(i);
        if (element.KeyLength is 0 or > BoltFormat.KeyBytesMax || element.Key + element.KeyLength + element.ValueLength > _bytes.Length)
        {
            throw new InvalidDataException(
                $"{at}, element {i}: a key of {element.KeyLength} and a value of {element.ValueLength} bytes at {element.Key} do not fit its {_bytes.Length} bytes");
        }

        if ((element.Flags == BoltFormat.BucketFlag) != (elements == BoltElementKind.Bucket) || element.Flags > BoltFormat.BucketFlag)
            throw new InvalidDataException($"{at}, element {i}: its flags are 0x{element.Flags:x}, as no element's are there");

        if (i > 0 && KeyAt(i - 1).SequenceCompareTo(KeyAt(i)) >= 0)
            throw new InvalidDataException($"{at}, element {i}: its key does not come after the one before it");
    }

    private ReadOnlySpan<byte> KeyAt(int i)
    {
        Element element = ElementAt(i);
        return _bytes.Span.Slice((int)element.Key, (int)element.KeyLength);
    }

    private Element ElementAt(int i)
    {
        int offset = BoltFormat.PageHeaderBytes + (i * BoltFormat.LeafElementBytes);
        ReadOnlySpan<byte> bytes = _bytes.Span[offset..];
        return new Element(
            BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            offset + (long)BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]));
    }

    private readonly record struct Element(uint Flags, long Key, long KeyLength, long ValueLength);
}

/// <summary>Goes through a bucket that stands in one leaf inside its parent.</summary>
internal sealed class BoltLeafCursor(BoltLeaf leaf) : BoltCursor
{
    public override ReadOnlySpan<byte> Key => leaf.Key;

    public override ReadOnlySpan<byte> Value => leaf.Value;

    public override bool MoveNext() => leaf.MoveNext();
}
