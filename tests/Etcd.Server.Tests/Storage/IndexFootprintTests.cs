using System.Globalization;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Index;

namespace Etcd.Server.Tests.Storage;

/// <summary>
/// Goal: the index stays within its memory per key and version; what reads and writes cost is printed beside it, for
/// docs/spike-index.md. ETCD_INDEX_KEYS sets how many keys (default 100,000). Only the memory decides: times depend on what
/// else the machine does.
/// </summary>
[Collection(MeasuresTheProcess.Name)]
public class IndexFootprintTests(ITestOutputHelper output)
{
    private static readonly int Keys = int.Parse(
        Environment.GetEnvironmentVariable("ETCD_INDEX_KEYS") ?? "100000", CultureInfo.InvariantCulture);

    [Fact]
    public void Bytes_per_key_and_per_older_version_stay_in_bounds()
    {
        byte[][] keys = ShuffledKeys();
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var index = new KeyIndex();
        long main = 2;
        double putNs = Time(keys, key => index.Put(key, new Revision(main++, 0), false, out _, out _));
        double perKey = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)Keys;
        output.WriteLine($"{Keys} keys of 24 bytes, inserted in random order: {perKey:F1} bytes per key, {putNs:F0} ns of CPU per insert");

        const int Versions = 20;
        long withoutVersions = index.Slabs.UsedBytes;
        for (int version = 1; version < Versions; version++)
        {
            for (int i = 0; i < keys.Length / 10; i++)
                index.Put(keys[i], new Revision(main++, 0), false, out _, out _);

            index.BeginBatch();
            while (index.Slabs.HasRetired)
                index.Collect();
        }

        double perVersion = (index.Slabs.UsedBytes - withoutVersions) / ((Versions - 1) * (double)(keys.Length / 10));
        output.WriteLine($"{Versions} versions of every tenth key: {perVersion:F1} bytes per older version");
        Assert.InRange(perKey, 40, 130);
        Assert.InRange(perVersion, 8, 21);
        GC.KeepAlive(index);
    }

    [Fact]
    public void Every_key_is_read_back_and_the_costs_are_printed()
    {
        byte[][] keys = ShuffledKeys();
        byte[] value = new byte[256];
        var store = new MvccStore();
        double insert = Time(keys, key => Put(store, key, value, publish: false));
        store.Publish();
        double update = Time(keys, key => Put(store, key, value, publish: false));
        store.Publish();
        double single = Time(keys, key => Put(store, key, value, publish: true));
        long found = 0;
        double get = Time(keys, key => found += store.TryGet(key, out _, out _) ? 1 : 0);
        var result = new RangeResult();
        double range = Time(keys, key =>
        {
            store.Range(new RangeQuery { Key = key }, result);
            found += result.Count;
        });
        double count = Time(keys, key =>
        {
            store.Range(new RangeQuery { Key = key, RangeEnd = "\0"u8, CountOnly = true }, result);
            found += result.Count > 0 ? 1 : 0;
        });
        Assert.Equal(3L * Keys, found);
        byte[][] hot = [.. Enumerable.Range(0, 1_000_000).Select(i => keys[i % 1000])];
        Time(hot, key => store.TryGet(key, out _, out _));
        double hotGet = Time(hot, key => store.TryGet(key, out _, out _));
        double hotPut = Time(hot, key => Put(store, key, [], publish: true));
        output.WriteLine(
            $"{Keys} keys of 24 bytes, 256-byte values, ns of CPU each: insert {insert:F0}, update {update:F0} (one batch), update {single:F0} "
            + $"(published one by one), get {get:F0}, get of 1000 keys again and again {hotGet:F0}, put of these {hotPut:F0}, range of one key {range:F0}, count of an open range {count:F0}; "
            + $"{store.SizeBytes >> 20} MiB for three versions");
    }

    private static void Put(MvccStore store, byte[] key, byte[] value, bool publish)
    {
        WriteTxn txn = store.Begin();
        txn.Put(key, value, LeaseId.None);
        txn.End();
        if (publish)
            store.Publish();
    }

    private static byte[][] ShuffledKeys()
    {
        byte[][] keys = [.. Enumerable.Range(0, Keys).Select(i => StoreHelp.Bytes($"/registry/pods/{i:d9}"))];
        new Random(1).Shuffle(keys);
        return keys;
    }

    private static double Time(byte[][] keys, Action<byte[]> body)
    {
        // This process's CPU time, collector and all: the wall clock would count what else the machine does.
        TimeSpan start = Environment.CpuUsage.TotalTime;
        foreach (byte[] key in keys)
            body(key);

        return (Environment.CpuUsage.TotalTime - start).TotalNanoseconds / keys.Length;
    }
}
