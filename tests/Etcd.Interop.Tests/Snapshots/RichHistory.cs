using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;
using Grpc.Net.Client;

namespace Etcd.Interop.Tests.Snapshots;

/// <summary>A history with everything in it that a snapshot must carry.</summary>
internal static class RichHistory
{
    /// <summary>Writes it to a new member.</summary>
    public static async Task WriteAsync(string url, CancellationToken cancellation)
    {
        using GrpcChannel channel = GrpcChannel.ForAddress(url);
        var kv = new KV.KVClient(channel);
        var lease = new Lease.LeaseClient(channel);
        foreach (long id in (long[])[7, 77, 0x7fff_ffff_ffff_ffff])
            await lease.LeaseGrantAsync(new LeaseGrantRequest { ID = id, TTL = 10_000 + (id % 10) }, cancellationToken: cancellation);

        for (int i = 0; i < 400; i++)
        {
            var put = new PutRequest { Key = Utf8($"k{i % 120:d3}"), Value = Utf8(new string('v', i)), Lease = i % 5 == 0 ? 7 : 0 };
            await kv.PutAsync(put, cancellationToken: cancellation);
        }

        await kv.PutAsync(new PutRequest { Key = Utf8("big"), Value = ByteString.CopyFrom(new byte[1_000_000]) }, cancellationToken: cancellation);
        await kv.PutAsync(new PutRequest { Key = ByteString.CopyFrom(new byte[3000]), Lease = 77 }, cancellationToken: cancellation);
        DeleteRangeResponse deleted = await kv.DeleteRangeAsync(
            new DeleteRangeRequest { Key = Utf8("k050"), RangeEnd = Utf8("k070") }, cancellationToken: cancellation);

        // The compaction's boundary is a revision of tombstones: kept, and gone with the next one.
        await kv.CompactAsync(new CompactionRequest { Revision = deleted.Header.Revision, Physical = true }, cancellationToken: cancellation);
        await GoOnAsync(url, cancellation);
    }

    /// <summary>Goes on writing to a member that has such a history, or none.</summary>
    public static async Task GoOnAsync(string url, CancellationToken cancellation)
    {
        using GrpcChannel channel = GrpcChannel.ForAddress(url);
        var kv = new KV.KVClient(channel);
        for (int i = 0; i < 60; i++)
            await kv.PutAsync(new PutRequest { Key = Utf8($"k{i:d3}"), Value = Utf8("again") }, cancellationToken: cancellation);

        var txn = new TxnRequest
        {
            Success =
            {
                new RequestOp { RequestPut = new PutRequest { Key = Utf8("a"), Value = Utf8("1") } },
                new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = Utf8("k001") } },
                new RequestOp { RequestPut = new PutRequest { Key = Utf8("b"), Value = Utf8("1") } },
            },
        };
        await kv.TxnAsync(txn, cancellationToken: cancellation);
        await kv.DeleteRangeAsync(new DeleteRangeRequest { Key = Utf8("k01"), RangeEnd = Utf8("k02") }, cancellationToken: cancellation);
    }

    private static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);
}
