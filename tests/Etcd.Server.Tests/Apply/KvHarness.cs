using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply;
using Etcd.Server.Storage;
using Google.Protobuf;

namespace Etcd.Server.Tests.Apply;

/// <summary>A store with its applier, spoken to in protobuf messages.</summary>
internal sealed class KvHarness
{
    public KvHarness(params long[] leases)
    {
        Leases = new FakeLeases(leases);
        Applier = new KvApplier(Store, Leases);
    }

    public MvccStore Store { get; } = new();

    public FakeLeases Leases { get; }

    public KvApplier Applier { get; }

    public PutResponse Put(string key, string value = "", long lease = 0) => Put(PutOf(key, value, lease));

    public PutResponse Put(PutRequest request) => Answer(Applier.Put(request.ToByteArray()), PutResponse.Parser, (r, h) => r.Header = h);

    public DeleteRangeResponse Delete(DeleteRangeRequest request) =>
        Answer(Applier.DeleteRange(request.ToByteArray()), DeleteRangeResponse.Parser, (r, h) => r.Header = h);

    public TxnResponse Txn(TxnRequest request) => Answer(Applier.Txn(request.ToByteArray()), TxnResponse.Parser, (r, h) => r.Header = h);

    public EtcdError? TxnError(TxnRequest request)
    {
        ApplyOutcome outcome = Applier.Txn(request.ToByteArray());
        Store.Publish();
        return outcome.Error;
    }

    public EtcdError? Compact(long revision)
    {
        ApplyOutcome outcome = Applier.Compact(new CompactionRequest { Revision = revision }.ToByteArray());
        Store.Publish();
        return outcome.Error;
    }

    public static PutRequest PutOf(string key, string value = "", long lease = 0) =>
        new() { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value), Lease = lease };

    public static RequestOp PutOp(string key, string value = "", long lease = 0) => new() { RequestPut = PutOf(key, value, lease) };

    public static RequestOp GetOp(string key, string end = "", long revision = 0) => new()
    {
        RequestRange = new RangeRequest { Key = ByteString.CopyFromUtf8(key), RangeEnd = ByteString.CopyFromUtf8(end), Revision = revision },
    };

    public static RequestOp DeleteOp(string key, string end = "") => new()
    {
        RequestDeleteRange = new DeleteRangeRequest { Key = ByteString.CopyFromUtf8(key), RangeEnd = ByteString.CopyFromUtf8(end) },
    };

    public static RequestOp TxnOp(TxnRequest txn) => new() { RequestTxn = txn };

    private T Answer<T>(ApplyOutcome outcome, MessageParser<T> parser, Action<T, ResponseHeader> setHeader)
        where T : IMessage<T>
    {
        Store.Publish();
        Assert.Null(outcome.Error);
        T response = parser.ParseFrom(outcome.Body.Span);

        // The body is what the encoder of the message would write, field by field in order.
        Assert.Equal(response.ToByteArray(), outcome.Body.ToArray());
        setHeader(response, new ResponseHeader { Revision = outcome.Revision });
        return response;
    }
}
