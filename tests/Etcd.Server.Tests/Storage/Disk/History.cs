using System.Globalization;
using System.Text;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Tests.Storage.Disk;

/// <summary>
/// What was asked of a store, batch by batch, so that another store can be brought to the same state: the model of a store on disk is one
/// in memory that never compacts on its disk, has no files and does not restart.
/// </summary>
internal sealed class History
{
    private readonly List<Action<MvccStore>> _batches = [];

    public int Count => _batches.Count;

    /// <summary>Makes a batch, remembers it and does it.</summary>
    public void Next(Random random, MvccStore store, int keys, int valueBytesMax)
    {
        Action<MvccStore> batch = Batch(random, store, keys, valueBytesMax);
        _batches.Add(batch);
        batch(store);
    }

    /// <summary>Does a batch again, on a store that has all before it.</summary>
    public void Do(int number, MvccStore store) => _batches[number](store);

    /// <summary>Forgets what a crash has undone.</summary>
    public void Truncate(int count) => _batches.RemoveRange(count, _batches.Count - count);

    /// <summary>The model after so many batches.</summary>
    public MvccStore Model(int count)
    {
        var model = new MvccStore();
        for (int i = 0; i < count; i++)
            _batches[i](model);

        model.Finish();
        return model;
    }

    /// <summary>Compares everything that can be read: every revision, history, hashes, previous values.</summary>
    public static void Compare(MvccStore expected, MvccStore actual, string where)
    {
        Assert.True(expected.CurrentRevision == actual.CurrentRevision, $"{where}: revision {actual.CurrentRevision}, not {expected.CurrentRevision}");
        Assert.True(expected.CompactRevision == actual.CompactRevision, $"{where}: compacted at {actual.CompactRevision}, not {expected.CompactRevision}");
        for (long revision = Math.Max(1, expected.CompactRevision); revision <= expected.CurrentRevision; revision++)
        {
            Assert.True(Content(expected, revision) == Content(actual, revision), $"{where}: other keys at {revision}");
            if (revision > expected.CompactRevision)
                Assert.True(Hash(expected, revision) == Hash(actual, revision), $"{where}: another hash at {revision}");
        }

        long from = Math.Max(1, expected.CompactRevision);
        Assert.True(Events(expected, from) == Events(actual, from), $"{where}: other events");
    }

    private static Action<MvccStore> Batch(Random random, MvccStore store, int keys, int valueBytesMax)
    {
        int dice = random.Next(100);
        if (dice < 6)
        {
            long revision = random.NextInt64(Math.Max(0, store.CompactRevision), store.CurrentRevision + 1);
            return s =>
            {
                s.Compact(revision);
                s.Publish();
            };
        }

        var changes = new List<(string Key, string? Value, long Lease)>();
        for (int left = random.Next(1, 5); left > 0; left--)
        {
            string key = "key/" + random.Next(keys).ToString("d4", CultureInfo.InvariantCulture);
            string? value = random.Next(10) < 4 ? null : new string((char)('a' + random.Next(26)), random.Next(valueBytesMax));
            changes.Add((key, value, random.Next(5) == 0 ? random.Next(1, 4) : 0));
        }

        bool isRange = dice > 97;
        return s => Do(s, changes, isRange);
    }

    private static void Do(MvccStore store, List<(string Key, string? Value, long Lease)> changes, bool isRange)
    {
        WriteTxn txn = store.Begin();
        foreach ((string key, string? value, long lease) in changes)
        {
            if (value is not null)
                txn.Put(Encoding.ASCII.GetBytes(key), Encoding.ASCII.GetBytes(value), new LeaseId(lease));
            else
                txn.DeleteRange(Encoding.ASCII.GetBytes(key), isRange ? "key/9"u8 : default);
        }

        txn.End();
        store.Publish();
    }

    private static string Content(MvccStore store, long revision)
    {
        var result = new RangeResult();
        Assert.Equal(ReadStatus.Ok, store.Range(new RangeQuery { Key = "\0"u8, RangeEnd = "\0"u8, Revision = revision }, result));
        var text = new StringBuilder().Append(result.Count);
        foreach (ReadOnlyMemory<byte> kv in result.Kvs)
            text.Append(Convert.ToHexString(kv.Span)).Append(' ');

        return text.ToString();
    }

    private static HistoryHash Hash(MvccStore store, long revision)
    {
        Assert.Equal(ReadStatus.Ok, store.HashKv(revision, out HistoryHash hash, out _));
        return hash;
    }

    // At the compaction revision itself a change that a later one of the same revision shadows may be dropped or not.
    private static string Events(MvccStore store, long from)
    {
        List<StoreEvent> events = [];
        Assert.Equal(EventReadStatus.Ok, store.ReadEvents(from, int.MaxValue, events, out _));
        return string.Join('\n', events.Where(e => e.Revision.Main > store.CompactRevision).Select(e => $"{e.Revision} {e.Type} {Convert.ToHexString(e.KeyValue.Span)} {e.IsCreate}"));
    }
}
