using System.Runtime.InteropServices;
using Etcd.Server.Storage.Index;

namespace Etcd.Server.Storage;

/// <summary>
/// The answer to a <see cref="RangeQuery"/>. One instance can be used again and again by one caller at a time; it then
/// allocates nothing for small answers. The records stay valid and unchanged for as long as someone holds them, whatever
/// becomes of this instance or the store, but for those of keys-only answers, whose memory is used again by the next read.
/// What a large answer took is given back when it is cleared, so that many instances can be kept.
/// </summary>
public sealed class RangeResult
{
    private const int ScratchBytes = 16 * 1024;
    private const int ItemsKept = 128;

    private readonly List<byte[]> _scratch = [];
    private ReadOnlyMemory<byte>[] _kvs = new ReadOnlyMemory<byte>[4];
    private int _kvCount;
    private int _scratchAt;
    private int _scratchUsed;

    /// <summary>The current revision of the state that was read, for the answer's header.</summary>
    public long Revision { get; internal set; }

    /// <summary>Keys in the range at the read revision, whatever the limit and filters leave out.</summary>
    public long Count { get; internal set; }

    /// <summary>Whether the limit cut the answer off.</summary>
    public bool More { get; internal set; }

    /// <summary>The encoded mvccpb.KeyValue records, in the asked order.</summary>
    public ReadOnlySpan<ReadOnlyMemory<byte>> Kvs => _kvs.AsSpan(0, _kvCount);

    /// <summary>The records' bytes together.</summary>
    public long KvBytes { get; private set; }

    internal List<RangeItem> Items { get; } = [];

    /// <summary>Bytes that stay with the instance when it is cleared now, about.</summary>
    internal long RetainedBytes => (_kvs.Length * 16L) + _scratch.Sum(chunk => (long)chunk.Length) + (Items.Capacity * 80L);

    /// <summary>Lets go of what it holds.</summary>
    public void Clear()
    {
        if (_kvs.Length > ItemsKept)
            _kvs = new ReadOnlyMemory<byte>[4];
        else
            Array.Clear(_kvs, 0, _kvCount);

        if (_scratch.Count > 1 || (_scratch.Count == 1 && _scratch[0].Length > ScratchBytes))
            _scratch.Clear();

        _kvCount = 0;
        _scratchAt = 0;
        _scratchUsed = 0;
        KvBytes = 0;
        Revision = 0;
        Count = 0;
        More = false;
        ReleaseItems();
    }

    /// <summary>Lets go of the keys that were found, once the answer is made of them.</summary>
    internal void ReleaseItems()
    {
        Items.Clear();
        if (Items.Capacity > ItemsKept)
            Items.Capacity = 0;
    }

    internal void Add(ReadOnlyMemory<byte> record)
    {
        if (_kvCount == _kvs.Length)
            Array.Resize(ref _kvs, _kvs.Length * 2);

        _kvs[_kvCount++] = record;
        KvBytes += record.Length;
    }

    internal void AddEncoded(in KeyValueFields fields)
    {
        int size = KeyValueCodec.Size(fields);
        Memory<byte> room = Scratch(size);
        KeyValueCodec.Write(room.Span, fields);
        Add(room);
    }

    internal Span<RangeItem> ItemSpan() => CollectionsMarshal.AsSpan(Items);

    // Chunks never move, so records that were handed out stay where they are while the answer grows.
    private Memory<byte> Scratch(int size)
    {
        while (_scratchAt < _scratch.Count && _scratchUsed + size > _scratch[_scratchAt].Length)
        {
            _scratchAt++;
            _scratchUsed = 0;
        }

        if (_scratchAt == _scratch.Count)
            _scratch.Add(new byte[Math.Max(ScratchBytes, size)]);

        Memory<byte> room = _scratch[_scratchAt].AsMemory(_scratchUsed, size);
        _scratchUsed += size;
        return room;
    }
}

/// <summary>A key that a range has found.</summary>
internal struct RangeItem
{
    /// <summary>The key's handle.</summary>
    public uint Key;

    /// <summary>Its place in key order, which decides between equals when sorting.</summary>
    public int Ordinal;

    /// <summary>Its version.</summary>
    public KeyVersion Version;

    /// <summary>Its record, where the order needs it.</summary>
    public ReadOnlyMemory<byte> Record;
}
