using System.Text;
using Etcd.Behaviour.Asking;
using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;
using static Etcd.Protocol.Etcdserverpb.Compare.Types;

namespace Etcd.Behaviour.Cases;

/// <summary>Short ways to write requests. A character of a text is a byte.</summary>
internal static class Requests
{
    /// <summary>A revision of the session.</summary>
    public static long At(long offset) => Relative.At(offset);

    public static ByteString B(string text) => ByteString.CopyFrom(Encoding.Latin1.GetBytes(text));

    public static PutRequest Put(string key, string value = "", long lease = 0, Action<PutRequest>? with = null) =>
        With(new PutRequest { Key = B(key), Value = B(value), Lease = lease }, with);

    public static RangeRequest Get(string key, string end = "", Action<RangeRequest>? with = null) =>
        With(new RangeRequest { Key = B(key), RangeEnd = B(end) }, with);

    /// <summary>Every key.</summary>
    public static RangeRequest All(Action<RangeRequest>? with = null) => Get("\0", "\0", with);

    public static DeleteRangeRequest Delete(string key, string end = "", bool prevKv = false) =>
        new() { Key = B(key), RangeEnd = B(end), PrevKv = prevKv };

    public static CompactionRequest Compact(long revision, bool physical = false) => new() { Revision = revision, Physical = physical };

    public static LeaseGrantRequest Grant(long id, long ttl = 1000) => new() { ID = id, TTL = ttl };

    public static LeaseRevokeRequest Revoke(long id) => new() { ID = id };

    public static LeaseTimeToLiveRequest TimeToLive(long id, bool keys = false) => new() { ID = id, Keys = keys };

    public static LeaseKeepAliveRequest KeepAlive(long id) => new() { ID = id };

    public static LeaseLeasesRequest Leases() => new();

    public static RequestOp Op(IMessage request) => request switch
    {
        PutRequest put => new RequestOp { RequestPut = put },
        RangeRequest range => new RequestOp { RequestRange = range },
        DeleteRangeRequest delete => new RequestOp { RequestDeleteRange = delete },
        TxnRequest txn => new RequestOp { RequestTxn = txn },
        _ => throw new ArgumentException($"no operation: {request.Descriptor.Name}", nameof(request)),
    };

    /// <summary>A transaction without conditions.</summary>
    public static TxnRequest Do(params IEnumerable<IMessage> operations) => new() { Success = { operations.Select(Op) } };

    /// <summary>A transaction.</summary>
    public static TxnRequest If(IEnumerable<Compare> conditions, IEnumerable<IMessage>? then = null, IEnumerable<IMessage>? otherwise = null) => new()
    {
        Compare = { conditions },
        Success = { (then ?? []).Select(Op) },
        Failure = { (otherwise ?? []).Select(Op) },
    };

    public static TxnRequest If(Compare condition, IMessage then, IMessage otherwise) => If([condition], [then], [otherwise]);

    public static Compare Value(string key, CompareResult result, string value, string end = "") =>
        new() { Key = B(key), RangeEnd = B(end), Target = CompareTarget.Value, Result = result, Value = B(value) };

    /// <summary>Compares one of a key's numbers; each has a field of its own in the union.</summary>
    public static Compare Number(string key, CompareTarget target, CompareResult result, long number, string end = "")
    {
        var compare = new Compare { Key = B(key), RangeEnd = B(end), Target = target, Result = result };
        switch (target)
        {
            case CompareTarget.Version:
                compare.Version = number;
                break;
            case CompareTarget.Create:
                compare.CreateRevision = number;
                break;
            case CompareTarget.Mod:
                compare.ModRevision = number;
                break;
            case CompareTarget.Lease:
                compare.Lease = number;
                break;
            default:
                throw new ArgumentException($"{target} is no number", nameof(target));
        }

        return compare;
    }

    public static WatchCreateRequest Watch(string key, string end = "", Action<WatchCreateRequest>? with = null) =>
        With(new WatchCreateRequest { Key = B(key), RangeEnd = B(end) }, with);

    /// <summary>A watch of every key from a revision on.</summary>
    public static WatchCreateRequest WatchAll(long start, Action<WatchCreateRequest>? with = null) =>
        With(new WatchCreateRequest { Key = B("\0"), RangeEnd = B("\0"), StartRevision = start }, with);

    private static T With<T>(T request, Action<T>? with)
    {
        with?.Invoke(request);
        return request;
    }
}
