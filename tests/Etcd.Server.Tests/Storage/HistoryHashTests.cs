using System.Buffers.Binary;
using System.Numerics;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Tests.Storage;

/// <summary>
/// Goal: the hash of history is etcd's, through compactions and whatever is rewritten in between. Method: a model that keeps
/// the key bucket as etcd does (records by revision; a compaction removes them one by one) and hashes it by etcd's rules.
/// </summary>
public class HistoryHashTests
{
    [Fact]
    public void Hash_of_a_known_history_is_the_sum_over_bucket_name_revision_and_record()
    {
        var store = new MvccStore();
        store.Put("a", "b");
        byte[] input =
        [
            .. "key"u8, 0, 0, 0, 0, 0, 0, 0, 2, (byte)'_', 0, 0, 0, 0, 0, 0, 0, 0,
            0x0A, 1, (byte)'a', 0x10, 2, 0x18, 2, 0x20, 1, 0x2A, 1, (byte)'b',
        ];

        Assert.Equal(ReadStatus.Ok, store.HashKv(0, out HistoryHash hash, out long current));
        Assert.Equal(new HistoryHash(BucketModel.Crc(input), -1, 2), hash);
        Assert.Equal(2, current);
    }

    [Fact]
    public void Crc_is_castagnolis() => Assert.Equal(0xE3069283, BucketModel.Crc("123456789"u8));

    [Fact]
    public void Hash_beyond_history_is_refused()
    {
        var store = new MvccStore();
        for (int i = 0; i < 5; i++)
            store.Put("k");

        Assert.Equal(ReadStatus.FutureRevision, store.HashKv(7, out _, out _));
        store.CompactNow(4);
        Assert.Equal(ReadStatus.Compacted, store.HashKv(3, out _, out _));
    }

    [Fact]
    public void Hash_equals_the_models_at_every_readable_revision() => TestSeed.ForEach(60, random =>
    {
        var store = new MvccStore();
        var model = new BucketModel();
        for (int step = 0; step < 150; step++)
        {
            if (random.Next(100) < 94)
            {
                Change(store, model, random);
                continue;
            }

            long at = random.NextInt64(model.CompactRevision + 1, model.Revision + 1);
            if (at > model.CompactRevision && at > 0 && store.CompactNow(at) == ReadStatus.Ok)
                model.Compact(at);

            CheckAll(store, model);
        }

        CheckAll(store, model);
        Assert.Equal(model.Stored, store.CompactionHashes.Select(h => (h.Revision, h.CompactRevision, h.Hash)));
    });

    private static void CheckAll(MvccStore store, BucketModel model)
    {
        for (long rev = Math.Max(1, model.CompactRevision); rev <= model.Revision; rev++)
        {
            Assert.Equal(ReadStatus.Ok, store.HashKv(rev, out HistoryHash hash, out _));
            Assert.Equal(model.HashAt(rev), (hash.Revision, hash.CompactRevision, hash.Hash));
        }
    }

    private static void Change(MvccStore store, BucketModel model, Random random)
    {
        WriteTxn txn = store.Begin();
        model.Begin();
        foreach (int key in Enumerable.Range(0, 6).OrderBy(_ => random.Next()).Take(random.Next(1, 4)))
        {
            string name = "k" + key;
            if (random.Next(3) == 0)
            {
                if (txn.DeleteRange(StoreHelp.Bytes(name), default) > 0)
                    model.Add(name, StoreHelp.Bytes("\n\u0002" + name), tombstone: true);
            }
            else
            {
                txn.Put(StoreHelp.Bytes(name), StoreHelp.Bytes("value" + random.Next(1000)), LeaseId.None);
                txn.TryGet(StoreHelp.Bytes(name), out ReadOnlyMemory<byte> record);
                model.Add(name, record.ToArray(), tombstone: false);
            }
        }

        txn.End();
        model.End();
        store.Publish();
    }

    /// <summary>The key bucket of an etcd, with its index by key.</summary>
    private sealed class BucketModel
    {
        private sealed record Row(long Main, long Sub, string Key, byte[] Value, bool Tombstone);

        private readonly List<Row> _rows = [];
        private long _sub;

        public long Revision { get; private set; } = 1;

        public long CompactRevision { get; private set; } = -1;

        public List<(long, long, uint)> Stored { get; private set; } = [];

        public static uint Crc(ReadOnlySpan<byte> bytes)
        {
            uint crc = uint.MaxValue;
            foreach (byte b in bytes)
                crc = BitOperations.Crc32C(crc, b);

            return ~crc;
        }

        public void Begin() => _sub = 0;

        public void Add(string key, byte[] value, bool tombstone) => _rows.Add(new Row(Revision + 1, _sub++, key, value, tombstone));

        public void End() => Revision += _sub > 0 ? 1 : 0;

        public (long Revision, long Compact, uint Hash) HashAt(long revision)
        {
            foreach ((long rev, long compact, uint hash) in Stored)
            {
                if (rev == revision)
                    return (rev, compact, hash);
            }

            HashSet<Row> keep = [.. Keep(revision).Where(r => !(r.Tombstone && r.Main == revision))];
            return (revision, CompactRevision, Hash(CompactRevision, revision, keep));
        }

        public void Compact(long revision)
        {
            HashSet<Row> keep = [.. Keep(revision)];
            Stored.Add((revision, CompactRevision, Hash(CompactRevision, revision, keep)));
            Stored = [.. Stored.TakeLast(10)];
            _rows.RemoveAll(r => r.Main <= revision && !keep.Contains(r));
            CompactRevision = revision;
        }

        // The newest row of each key that is not after the revision, unless the key was deleted before it.
        private IEnumerable<Row> Keep(long revision) => _rows
            .Where(r => r.Main <= revision)
            .GroupBy(r => r.Key, (_, rows) => rows.Last())
            .Where(r => !r.Tombstone || r.Main == revision);

        private uint Hash(long compact, long revision, HashSet<Row> keep)
        {
            using var input = new MemoryStream();
            input.Write("key"u8);
            foreach (Row row in _rows.Where(r => r.Main <= revision))
            {
                if (row.Main <= compact && keep.Count > 0 && !keep.Contains(row))
                    continue;

                if (row.Main == compact && row.Tombstone)
                    continue;

                input.Write(RevisionKey(row));
                input.Write(row.Value);
            }

            return Crc(input.ToArray());
        }

        private static byte[] RevisionKey(Row row)
        {
            byte[] key = new byte[17];
            BinaryPrimitives.WriteInt64BigEndian(key, row.Main);
            key[8] = (byte)'_';
            BinaryPrimitives.WriteInt64BigEndian(key.AsSpan(9), row.Sub);
            return row.Tombstone ? [.. key, (byte)'t'] : key;
        }
    }
}
