using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Etcd.Server.Primitives;

namespace Etcd.Server.Bolt;

/// <summary>
/// Writes a whole bbolt database from front to back. Making the writer goes through all content once and computes where
/// everything goes, so that <see cref="Length"/> is exact; <see cref="WriteTo"/> goes through it again. Memory: some 20 bytes per
/// page of content and a buffer, never the content. Every page below the high-water mark is in use, as bbolt's full check asks.
/// Used by one thread.
/// </summary>
public sealed class BoltWriter
{
    private const int BufferBytes = 256 * 1024;

    // The page of an even transaction is the first one, so bbolt's next write goes to the other.
    private const ulong Transaction = 2;
    private const int MetaPages = 2;

    private readonly IReadOnlyList<BoltBucket> _buckets;
    private readonly List<BoltPlan> _plans = [];
    private readonly BoltPlan _root;
    private readonly ulong _pages;

    /// <summary>Lays out a database.</summary>
    /// <param name="buckets">Its buckets, in any order; names differ.</param>
    public BoltWriter(IEnumerable<BoltBucket> buckets)
    {
        _buckets = [.. buckets.OrderBy(b => b.Name, StringComparer.Ordinal)];
        ulong next = MetaPages;
        foreach (BoltBucket bucket in _buckets)
        {
            var plan = BoltPlan.Of(bucket.Open(), next);
            _plans.Add(plan);
            next += plan.Pages;
        }

        _root = BoltPlan.Of(RootEntries().Open(), next);
        _pages = next + _root.Pages;
    }

    /// <summary>The bytes of the whole file.</summary>
    public long Length => checked((long)_pages * BoltFormat.PageBytes);

    /// <summary>Writes the file. Once, and not after <see cref="Pieces"/>.</summary>
    /// <param name="target">Where to; only written to, in pieces of about 256 KiB.</param>
    public void WriteTo(Stream target)
    {
        foreach (ReadOnlyMemory<byte> piece in Pieces())
            target.Write(piece.Span);
    }

    /// <summary>
    /// The file in pieces of about 256 KiB, for one who waits between them and does not want to block a thread. Once. A piece is valid
    /// until the next one is asked for.
    /// </summary>
    public IEnumerable<ReadOnlyMemory<byte>> Pieces()
    {
        using var output = new PageOutput(BufferBytes);
        WriteMeta(output, 0, Transaction);
        WriteMeta(output, 1, Transaction - 1);
        for (int at = 0; at <= _buckets.Count; at++)
        {
            bool isRoot = at == _buckets.Count;
            BoltTreeWriter tree = isRoot
                ? new BoltTreeWriter(_root, RootEntries().Open(), BoltFormat.BucketFlag)
                : new BoltTreeWriter(_plans[at], _buckets[at].Open(), elementFlags: 0);
            while (tree.NextBytes is var bytes and > 0)
            {
                if (!output.HasRoom(bytes))
                {
                    yield return output.Filled;
                    output.Clear(bytes);
                }

                tree.WriteNext(output.Take(bytes));
            }
        }

        Invariant.Check(output.Total == Length, "a database is as long as its plan says");
        yield return output.Filled;
    }

    private BoltBucket RootEntries()
    {
        var entries = new List<KeyValuePair<byte[], byte[]>>();
        for (int at = 0; at < _buckets.Count; at++)
        {
            var value = new byte[BoltFormat.BucketHeaderBytes];
            BinaryPrimitives.WriteUInt64LittleEndian(value, _plans[at].Root);
            entries.Add(new(Encoding.Latin1.GetBytes(_buckets[at].Name), value));
        }

        return BoltBucket.Of("", entries);
    }

    private void WriteMeta(PageOutput output, ulong page, ulong transaction)
    {
        Span<byte> bytes = output.Take(BoltFormat.PageBytes);
        BoltFormat.WritePageHeader(bytes, page, BoltFormat.Meta, count: 0, overflow: 0);
        BoltFormat.WriteMeta(
            bytes[BoltFormat.PageHeaderBytes..], new BoltMeta(BoltFormat.PageBytes, _root.Root, _pages, transaction));
    }

    /// <summary>Collects pages until they are worth a write.</summary>
    private sealed class PageOutput(int bufferBytes) : IDisposable
    {
        private byte[] _buffer = ArrayPool<byte>.Shared.Rent(bufferBytes);
        private int _pending;

        public long Total { get; private set; }

        public ReadOnlyMemory<byte> Filled => _buffer.AsMemory(0, _pending);

        public bool HasRoom(int bytes) => _pending + bytes <= _buffer.Length;

        /// <summary>Makes room for so many bytes, and more.</summary>
        public void Clear(int bytes)
        {
            _pending = 0;
            if (bytes <= _buffer.Length)
                return;

            Dispose();
            _buffer = ArrayPool<byte>.Shared.Rent(bytes);
        }

        /// <summary>Room for so many bytes, all zero.</summary>
        public Span<byte> Take(int bytes)
        {
            Span<byte> room = _buffer.AsSpan(_pending, bytes);
            room.Clear();
            _pending += bytes;
            Total += bytes;
            return room;
        }

        public void Dispose()
        {
            if (_buffer.Length > 0)
                ArrayPool<byte>.Shared.Return(_buffer);

            _buffer = [];
        }
    }
}
