using Etcd.Server.Storage;

namespace Etcd.Server.Apply;

/// <summary>Writes the fields of the key-value answers, except the header of the outermost one.</summary>
internal static class ResponseFields
{
    private const int Header = 1;
    private const int HeaderRevision = 3;

    /// <summary>The header of an answer inside a transaction, which has the revision and nothing else.</summary>
    public static void InnerHeader(ResponseBuffer buffer, long revision)
    {
        int mark = buffer.Begin(Header);
        buffer.Number(HeaderRevision, revision);
        buffer.End(mark);
    }

    /// <summary>The header of a transaction inside a transaction, which etcd leaves empty.</summary>
    public static void EmptyHeader(ResponseBuffer buffer) => buffer.Bytes(Header, default);

    /// <summary>etcdserverpb.RangeResponse: kvs = 2, more = 3, count = 4.</summary>
    public static void Range(ResponseBuffer buffer, RangeResult result)
    {
        foreach (ReadOnlyMemory<byte> kv in result.Kvs)
            buffer.Bytes(2, kv.Span);

        buffer.Bool(3, result.More);
        buffer.Number(4, result.Count);
    }

    /// <summary>etcdserverpb.PutResponse: prev_kv = 2, if there was one.</summary>
    public static void Put(ResponseBuffer buffer, ReadOnlyMemory<byte> previous)
    {
        if (!previous.IsEmpty)
            buffer.Bytes(2, previous.Span);
    }

    /// <summary>etcdserverpb.DeleteRangeResponse: deleted = 2, prev_kvs = 3.</summary>
    public static void DeleteRange(ResponseBuffer buffer, long deleted, RangeResult previous)
    {
        buffer.Number(2, deleted);
        foreach (ReadOnlyMemory<byte> kv in previous.Kvs)
            buffer.Bytes(3, kv.Span);
    }
}
