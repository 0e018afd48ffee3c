using System.Buffers;
using Etcd.Protocol.Wire;

namespace Etcd.Client;

/// <summary>
/// An etcdserverpb.RangeResponse, read straight from the bytes: the generated messages would be four objects for each key, only to be
/// wrapped in a fifth.
/// </summary>
internal sealed class RangeAnswer
{
    private const uint HeaderField = (1 << 3) | 2;
    private const uint ItemField = (2 << 3) | 2;
    private const uint MoreField = 3 << 3;
    private const uint CountField = 4 << 3;
    private const uint StreamedField = (1 << 3) | 2;

    private EtcdKeyValue[] _items = [];

    private RangeAnswer(ReadOnlySpan<byte> message)
    {
        int count = 0;
        var reader = new ProtoReader(message);
        for (uint tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            switch (tag)
            {
                case HeaderField:
                    Header = EtcdHeader.Read(reader.ReadMessage());
                    break;
                case ItemField:
                    // Mostly there is one; where there are more there may be many.
                    if (count == _items.Length)
                        Array.Resize(ref _items, Math.Max(1, 4 * count));
                    _items[count++] = EtcdKeyValue.Read(reader.ReadBytes());
                    break;
                case MoreField:
                    More = reader.ReadBool();
                    break;
                case CountField:
                    Count = reader.ReadInt64();
                    break;
                default:
                    reader.Skip(tag);
                    break;
            }
        }

        Array.Resize(ref _items, count);
    }

    public EtcdHeader Header { get; }

    /// <summary>The keys, with the namespace until <see cref="TakeItems"/>.</summary>
    public ReadOnlySpan<EtcdKeyValue> Items => _items;

    public bool More { get; }

    public long Count { get; }

    /// <summary>Reads a response.</summary>
    /// <exception cref="ProtoFormatException">It is none.</exception>
    public static RangeAnswer Read(ReadOnlySequence<byte> message) => new(message.IsSingleSegment ? message.FirstSpan : message.ToArray());

    /// <summary>Reads a part of a streamed range, an etcdserverpb.RangeStreamResponse.</summary>
    /// <exception cref="ProtoFormatException">It is none.</exception>
    public static RangeAnswer ReadStreamed(ReadOnlySequence<byte> message)
    {
        var reader = new ProtoReader(message.IsSingleSegment ? message.FirstSpan : message.ToArray());
        ReadOnlySpan<byte> part = default;
        for (uint tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            if (tag == StreamedField)
                part = reader.ReadBytes();
            else
                reader.Skip(tag);
        }

        return new RangeAnswer(part);
    }

    /// <summary>The keys without a namespace of this length. Once.</summary>
    public EtcdKeyValue[] TakeItems(int prefixLength)
    {
        foreach (EtcdKeyValue item in _items)
            item.CutPrefix(prefixLength);
        return _items;
    }
}
