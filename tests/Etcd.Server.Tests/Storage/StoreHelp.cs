using System.Text;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Tests.Storage;

/// <summary>Shorthand for tests that speak about keys as text.</summary>
internal static class StoreHelp
{
    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static long Put(this MvccStore store, string key, string value = "", long lease = 0)
    {
        WriteTxn txn = store.Begin();
        txn.Put(Bytes(key), Bytes(value), new LeaseId(lease));
        long revision = txn.End();
        store.Publish();
        return revision;
    }

    public static long Delete(this MvccStore store, string key)
    {
        WriteTxn txn = store.Begin();
        txn.DeleteRange(Bytes(key), default);
        long revision = txn.End();
        store.Publish();
        return revision;
    }

    public static ReadStatus CompactNow(this MvccStore store, long revision)
    {
        ReadStatus status = store.Compact(revision);
        store.Publish();
        store.Finish();
        return status;
    }

    public static void Finish(this MvccStore store)
    {
        for (int i = 0; i < 10_000_000; i++)
        {
            if (store.RunOnce() == StoreWork.None)
                return;
        }

        Assert.Fail("background work does not end");
    }

    public static string[] Events(this MvccStore store, long from)
    {
        List<StoreEvent> events = [];
        Assert.Equal(EventReadStatus.Ok, store.ReadEvents(from, int.MaxValue, events, out _));
        return [.. events.Select(e => $"{e.Revision} {e.Type} {Encoding.UTF8.GetString(e.Key.Span)}")];
    }

    public static string[] Keys(this RangeResult result)
    {
        var keys = new List<string>();
        foreach (ReadOnlyMemory<byte> kv in result.Kvs)
            keys.Add(Encoding.UTF8.GetString(KeyValueFields.Parse(kv.Span).Key));

        return [.. keys];
    }
}
