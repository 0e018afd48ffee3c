using Etcd.Interop.Tests.Comparison.Steps;
using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;
using Grpc.Core;
using static Etcd.Interop.Tests.Comparison.Requests;
using static Etcd.Protocol.Etcdserverpb.Compare.Types;

namespace Etcd.Interop.Tests.Comparison;

/// <summary>What is asked by raw calls, because etcdctl cannot ask it.</summary>
internal static partial class CallScenarios
{
    public static IReadOnlyList<Scenario> All { get; } = [.. Calls(), .. Watches(), .. Downgrades()];

    private static IEnumerable<Scenario> Calls() =>
    [
        new("Range's options",
        [
            .. SomeKeys(),
            .. from order in new[] { RangeRequest.Types.SortOrder.None, RangeRequest.Types.SortOrder.Descend }
               from target in Enum.GetValues<RangeRequest.Types.SortTarget>()
               from limit in new[] { 0, 2 }
               select Range(new RangeRequest { Key = Utf8("a"), RangeEnd = Utf8("z"), SortOrder = order, SortTarget = target, Limit = limit }),
            Range(All_(r => r.MinModRevision = 5)),
            Range(All_(r => r.MaxModRevision = 5)),
            Range(All_(r => r.MinCreateRevision = 4)),
            Range(All_(r => r.MaxCreateRevision = 4)),
            Range(All_(r => (r.MinModRevision, r.Limit) = (3, 1))),
            Range(All_(r => (r.MinModRevision, r.CountOnly) = (5, true))),
            Range(All_(r => (r.MinModRevision, r.MaxModRevision) = (8, 3))),
            Range(All_(r => (r.KeysOnly, r.CountOnly) = (true, true))),
            Range(All_(r => (r.KeysOnly, r.SortTarget) = (true, RangeRequest.Types.SortTarget.Value))),
            Range(All_(r => (r.Limit, r.Revision, r.Serializable) = (1, 4, true))),
            Range(All_(r => r.Limit = 4)),
            Range(All_(r => r.Limit = 5)),
            Range(All_(r => r.Limit = -3)),
            Range(All_(r => r.Limit = long.MaxValue)),
            Range(All_(r => r.Revision = -1)),
            Range(All_(r => r.Revision = 1)),
            Range(RangeOf("b", "b")),
            Range(RangeOf("c", "a")),
            Range(RangeOf("\0", "\0")),
            Range(RangeOf("b", "\0")),
            Range(RangeOf("\0")),
        ]),
        new("Range's invalid sort order", [Put("k", "v"), Range(new RangeRequest { Key = Utf8("k"), SortOrder = (RangeRequest.Types.SortOrder)3 })]),
        new("Put and DeleteRange",
        [
            Put(new PutRequest { Key = Utf8("k"), Value = Utf8("v"), PrevKv = true }),
            Put(new PutRequest { Key = Utf8("k"), PrevKv = true }),
            Put(new PutRequest { Key = Utf8("k"), Value = Utf8("v"), IgnoreValue = true }),
            Put(new PutRequest { Key = Utf8("k"), Value = Utf8("v"), Lease = 5, IgnoreLease = true }),
            Put(new PutRequest { Key = Utf8("k"), Value = Utf8("v"), Lease = 5 }),
            Put(new PutRequest { Key = Utf8("k"), Value = Utf8("v"), Lease = -5 }),
            Put(new PutRequest { Key = ByteString.CopyFrom(0, 255, 128), Value = ByteString.CopyFrom(0, 1, 255) }),
            Put("l", "1"), Put("m", "1"),
            Delete(new DeleteRangeRequest { Key = Utf8("k"), RangeEnd = Utf8("m"), PrevKv = true }),
            Delete(DeleteOf("m", "a")),
            Delete(DeleteOf("\0", "\0")),
            Range(RangeOf("\0", "\0")),
        ]),
        new("Txn",
        [
            .. SomeKeys(),
            Txn(new TxnRequest { Success = { new RequestOp() } }),
            Txn(new TxnRequest { Success = { Op(RangeOf("")) } }),
            Txn(new TxnRequest { Compare = { new Compare() } }),
            Txn(new TxnRequest { Failure = { Op(PutOf("", "")) } }),
            Txn(new TxnRequest
            {
                Success =
                {
                    Op(new PutRequest { Key = Utf8("a"), Value = Utf8("9"), PrevKv = true }), Op(RangeOf("a")),
                    Op(new DeleteRangeRequest { Key = Utf8("b"), RangeEnd = Utf8("d"), PrevKv = true }), Op(RangeOf("a", "z")), Op(All_(r => (r.Revision, r.Limit) = (4, 1))),
                },
            }),
            .. from result in Enum.GetValues<CompareResult>()
               from end in new[] { "", "z", "\0" }
               select Txn(new TxnRequest { Compare = { new Compare { Key = Utf8("a"), RangeEnd = Utf8(end), Target = CompareTarget.Mod, Result = result, ModRevision = 6 } } }),
            Txn(new TxnRequest { Compare = { new Compare { Key = Utf8("x"), RangeEnd = Utf8("z"), Target = CompareTarget.Value, Result = CompareResult.Equal, Value = Utf8("v") } } }),
            Txn(new TxnRequest { Compare = { new Compare { Key = Utf8("x"), Target = CompareTarget.Value, Result = CompareResult.Equal, Value = Utf8("") } } }),
            Txn(new TxnRequest { Compare = { new Compare { Key = Utf8("x"), Target = CompareTarget.Value, Result = CompareResult.NotEqual, Value = Utf8("v") } } }),
            Txn(new TxnRequest { Compare = { new Compare { Key = Utf8("x"), Target = CompareTarget.Lease, Result = CompareResult.Equal, Lease = 0 } } }),
            Txn(new TxnRequest { Compare = { new Compare { Key = Utf8("a"), Target = CompareTarget.Version, Result = CompareResult.Greater, Version = 1 } } }),
            Txn(new TxnRequest { Compare = { new Compare { Key = Utf8("a"), Target = CompareTarget.Create, Result = CompareResult.Less } } }),
            Txn(new TxnRequest { Compare = { new Compare { Key = Utf8("a"), Target = CompareTarget.Create, Result = CompareResult.NotEqual, ModRevision = 3 } } }),
            Grant(70, 1000), Put("leased", "v", 70),
            Txn(new TxnRequest { Compare = { new Compare { Key = Utf8("leased"), Target = CompareTarget.Lease, Result = CompareResult.Equal, Lease = 70 } } }),
            Txn(new TxnRequest { Compare = { new Compare { Key = Utf8("leased"), Target = CompareTarget.Lease, Result = CompareResult.Greater, Lease = 70 } } }),
        ]),
        new("Txn in Txn",
        [
            Put("a", "1"),
            Txn(Nested(If("a", "1"), Op(Nested(If("a", "2"), Op(PutOf("inner", "yes")), Op(PutOf("inner", "no")))), Op(PutOf("outer", "no")))),
            Txn(new TxnRequest
            {
                Success =
                {
                    Op(PutOf("a", "2")), Op(Nested(If("a", "2"), Op(PutOf("order", "sees the new")), Op(PutOf("order", "sees the old")))),
                    Op(Nested(If("order", "sees the old"), Op(RangeOf("a", "z")), Op(DeleteOf("z")))), Op(RangeOf("order")),
                },
            }),
            Txn(new TxnRequest { Success = { Op(PutOf("a", "3")), Op(new TxnRequest { Success = { Op(PutOf("a", "4")) } }) } }),
            Txn(new TxnRequest { Success = { Op(DeleteOf("a", "c")), Op(new TxnRequest { Failure = { Op(PutOf("b", "4")) } }) } }),
            Txn(new TxnRequest { Success = { Op(PutOf("a", "4")), Op(new TxnRequest { Failure = { Op(DeleteOf("a", "c")) } }) } }),
            Txn(new TxnRequest { Success = { Op(new TxnRequest { Success = { Op(PutOf("c", "1")) }, Failure = { Op(PutOf("c", "2")) } }) } }),
            Txn(new TxnRequest { Success = { Op(new TxnRequest { Success = { Op(PutOf("c", "1")) } }), Op(new TxnRequest { Success = { Op(PutOf("c", "2")) } }) } }),
            Txn(new TxnRequest { Success = { Op(new TxnRequest { Success = { Op(PutOf("x", "1")), Op(All_(r => r.Revision = 99)) } }) } }),
            Txn(new TxnRequest { Success = { Op(new TxnRequest { Success = { Op(PutOf("", "1")) } }) } }),
            Txn(new TxnRequest { Success = { Op(new TxnRequest { Success = { Op(new TxnRequest { Success = { Op(new TxnRequest()) } }) } }) } }),
            Txn(new TxnRequest { Success = { Enumerable.Range(0, 100).Select(i => Op(PutOf($"many{i}", ""))), Op(new TxnRequest { Success = { Enumerable.Range(0, 28).Select(i => Op(PutOf($"more{i}", ""))) } }) } }),
            Range(RangeOf("a", "m")),
        ]),
        new("Lease",
        [
            Grant(7, 1000), Grant(7, 1000), Grant(8, -1), Grant(9, 0), Grant(10, 9_000_000_001), Grant(-11, 1000), Grant(long.MaxValue, 1000),
            Put("b", "1", 7), Put("a", "1", 7), Put("c", "1", -11),
            TimeToLive(7), TimeToLive(7, keys: true), TimeToLive(-11, keys: true), TimeToLive(99), TimeToLive(0), TimeToLive(99, keys: true),
            KeepAlive(7), KeepAlive(99), KeepAlive(7, 99, 7), KeepAlive(),
            Revoke(99), Revoke(0), Revoke(7), Revoke(7), KeepAlive(7), TimeToLive(7), Revoke(-11),
            Range(RangeOf("\0", "\0")),
        ]),
        new("Compact", [.. SomeKeys(), Compact(-1), Compact(0), Compact(5), Compact(5), Compact(4), Compact(1000), Compact(9), Compact(10), Range(All_(r => r.Revision = 8)), Range(All_(r => r.Revision = 9)),
            Txn(new TxnRequest { Success = { Op(PutOf("no", "no")), Op(All_(r => r.Revision = 3)) } }), Range(RangeOf("no"))]),
        new("Member list and unknown methods",
        [
            new Call("MemberList linearizable", async c => await new Cluster.ClusterClient(c).MemberListAsync(new MemberListRequest { Linearizable = true }, cancellationToken: Session.Cancellation)),
            new Call("MemberList serializable", async c => await new Cluster.ClusterClient(c).MemberListAsync(new MemberListRequest(), cancellationToken: Session.Cancellation)),
            Unknown("etcdserverpb.KV", "Nothing"), Unknown("no.such.Service", "Nothing"),
        ]),
    ];

    private static Call[] SomeKeys() => [Put("c", "2"), Put("a", "3"), Put("b", "1"), Put("d", "0"), Put("b", "4"), Put("b", "1"), Put("c", "5"), Put("e", "5")];

    private static RangeRequest All_(Action<RangeRequest> with)
    {
        RangeRequest request = RangeOf("\0", "\0");
        with(request);
        return request;
    }

    private static Compare If(string key, string value) => new() { Key = Utf8(key), Target = CompareTarget.Value, Result = CompareResult.Equal, Value = Utf8(value) };

    private static TxnRequest Nested(Compare condition, RequestOp then, RequestOp otherwise) => new() { Compare = { condition }, Success = { then }, Failure = { otherwise } };

    private static Call Unknown(string service, string method) => new($"{service}/{method}", async c =>
    {
        var marshaller = Marshallers.Create(_ => [], _ => new RangeResponse());
        return await c.CreateCallInvoker().AsyncUnaryCall(
            new Method<RangeResponse, RangeResponse>(MethodType.Unary, service, method, marshaller, marshaller), null, new CallOptions(cancellationToken: Session.Cancellation), new RangeResponse());
    });
}
