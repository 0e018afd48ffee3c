using System.Globalization;
using System.Text;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;
using Etcd.TestKit.Disk;

namespace Etcd.Server.Tests.Storage.Disk;

/// <summary>
/// Goal: a long range over records that are on the disk only gives what a short one gives, at any revision and in any order, with few reads and
/// with memory for its records. Method: a store whose keys stand in the files in another order than their own, restarted, compared with what was put.
/// </summary>
public sealed class ColdRangeTests
{
    private const int Keys = 4000;

    // More than what is read in one go.
    private const int LargeBytes = RecordFetch.RunBytesMax + 50_000;

    private readonly SimDisk _disk = new();
    private readonly Dictionary<string, string> _first = [];
    private readonly Dictionary<string, string> _second = [];
    private readonly long _firstRevision;

    public ColdRangeTests()
    {
        using var rig = new DiskRig(_disk) { Applied = 1 };
        var random = new Random(5);
        Put(rig, random, _first);
        _firstRevision = rig.Store.CurrentRevision;
        foreach ((string key, string value) in _first)
            _second[key] = value;

        Put(rig, random, _second, keys => keys.Where(k => k % 3 != 0));
        rig.Checkpoint();
        _disk.KillProcess();
    }

    [Fact]
    public void What_was_put_is_read_at_both_revisions()
    {
        using var rig = new DiskRig(_disk);
        Check(rig.Store, _second, 0);
        Check(rig.Store, _first, _firstRevision);
        // Again, with a part of it in the cache.
        Check(rig.Store, _second, 0);
        foreach (int limit in new[] { 1, RecordFetch.BatchMin - 1, RecordFetch.BatchMin, 100, RecordFetch.CachedMax, RecordFetch.CachedMax + 1 })
            Check(rig.Store, _first, _firstRevision, limit);
    }

    [Fact]
    public void Orders_by_value_are_right()
    {
        using var rig = new DiskRig(_disk);
        var result = new RangeResult();
        rig.Store.Range(All() with { SortTarget = RangeSortTarget.Value, SortOrder = RangeSortOrder.Descend }, result);
        string[] expected = [.. _second.Values.OrderDescending(StringComparer.Ordinal)];
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], Encoding.ASCII.GetString(KeyValueFields.Parse(result.Kvs[i].Span).Value));
    }

    [Fact]
    public void Neighbours_are_read_in_one_go()
    {
        using var rig = new DiskRig(_disk);
        long before = _disk.Reads;
        var result = new RangeResult();
        rig.Store.Range(All(), result);
        Assert.Equal(Keys, result.Kvs.Length);
        long reads = _disk.Reads - before;
        long pages = _disk.List(DiskRig.Folder).Where(n => n.EndsWith(".seg", StringComparison.Ordinal))
            .Sum(n => _disk.ReadAll(DiskRig.Folder + "/" + n).Length / StoreFormat.PageBytes);
        Assert.True(reads < pages / 4, $"{reads} reads of {pages} pages");
    }

    [Fact]
    public void An_answer_takes_the_memory_of_its_records()
    {
        using var rig = new DiskRig(_disk);
        var result = new RangeResult();
        rig.Store.Range(All() with { CountOnly = true }, result);
        long before = GC.GetAllocatedBytesForCurrentThread();
        rig.Store.Range(All(), result);
        long took = GC.GetAllocatedBytesForCurrentThread() - before;
        // What is read in one go may be more than a pool has; the list of keys grows by doubling.
        long bound = result.KvBytes + (2 * RecordFetch.RunBytesMax) + (400L * Keys);
        Assert.True(took < bound, $"{took} bytes for {result.KvBytes} of records");
    }

    [Fact]
    public void A_hash_reads_each_run_once()
    {
        using var rig = new DiskRig(_disk);
        long before = _disk.Reads;
        Assert.Equal(ReadStatus.Ok, rig.Store.HashKv(0, out _, out _));
        Assert.InRange(_disk.Reads - before, 1, rig.Store.Log.Segments.Length);
    }

    [Fact]
    public void A_damaged_page_is_found_by_a_long_range_and_named()
    {
        string path = DiskRig.Folder + "/" + _disk.List(DiskRig.Folder).First(n => n.EndsWith(".seg", StringComparison.Ordinal));
        _disk.FlipBits(path, 100_000, 4);
        using var rig = new DiskRig(_disk);
        StoreException found = Assert.Throws<StoreException>(() => rig.Store.Range(All() with { Revision = _firstRevision }, new RangeResult()));
        Assert.Equal((StoreError.Corrupt, path), (found.Error, found.File));
        Assert.InRange(100_000 - found.Offset!.Value, 0, StoreFormat.PageBytes - 1);
    }

    private static RangeQuery All() => new() { Key = "\0"u8, RangeEnd = "\0"u8 };

    private static void Put(DiskRig rig, Random random, Dictionary<string, string> into, Func<IEnumerable<int>, IEnumerable<int>>? choose = null)
    {
        int[] keys = [.. Enumerable.Range(0, Keys)];
        random.Shuffle(keys);
        foreach (int key in choose?.Invoke(keys) ?? keys)
        {
            int bytes = random.Next(1000) == 0 ? LargeBytes : random.Next(50) == 0 ? random.Next(20_000) : random.Next(300);
            string name = "k" + key.ToString("d5", CultureInfo.InvariantCulture);
            string value = key.ToString(CultureInfo.InvariantCulture) + new string((char)('a' + random.Next(26)), bytes);
            rig.Store.Put(name, value);
            into[name] = value;
        }
    }

    private static void Check(MvccStore store, Dictionary<string, string> expected, long revision, int limit = 0)
    {
        var result = new RangeResult();
        Assert.Equal(ReadStatus.Ok, store.Range(All() with { Revision = revision, Limit = limit }, result));
        Assert.Equal(limit > 0 ? limit : expected.Count, result.Kvs.Length);
        string? before = null;
        foreach (ReadOnlyMemory<byte> kv in result.Kvs)
        {
            KeyValueFields fields = KeyValueFields.Parse(kv.Span);
            string key = Encoding.ASCII.GetString(fields.Key);
            Assert.True(string.CompareOrdinal(before, key) < 0, $"{key} behind {before}");
            Assert.True(expected[key] == Encoding.ASCII.GetString(fields.Value), $"the value of {key} at {revision}");
            before = key;
        }
    }
}
