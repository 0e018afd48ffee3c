using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Requests;
using Etcd.Server.Apply.Space;
using Etcd.Server.Primitives;
using Google.Protobuf;

namespace Etcd.Server.Tests.Apply;

/// <summary>What requests cost, when they fit, and what applying one that does not fit leads to. The costs are etcd's.</summary>
public sealed class QuotaTests
{
    private readonly FakeStoreSize _size = new();

    [Fact]
    public void A_put_costs_its_key_its_value_and_256()
    {
        Assert.Equal(256 + 1 + 10, Cost(Put("k", 10)));
        Assert.Equal(256, Cost(new PutRequest()));
        Assert.Equal(64, WriteCost.LeaseGrant);
    }

    [Fact]
    public void A_transaction_costs_its_costlier_branch_with_what_is_nested()
    {
        Assert.Equal(0, Cost(new TxnRequest()));
        Assert.Equal(0, Cost(new TxnRequest
        {
            Compare = { new Compare { Key = Utf8("k") } },
            Success = { new RequestOp { RequestRange = new RangeRequest { Key = Utf8("k") } }, new RequestOp() },
            Failure = { new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = Utf8("k") } } },
        }));
        Assert.Equal(2 * (256 + 1 + 10), Cost(new TxnRequest { Success = { Op(Put("a", 10)), Op(Put("b", 10)) }, Failure = { Op(Put("c", 100)) } }));
        Assert.Equal(256 + 1 + 1000, Cost(new TxnRequest { Success = { Op(Put("a", 10)), Op(Put("b", 10)) }, Failure = { Op(Put("c", 1000)) } }));
        Assert.Equal(
            (256 + 1 + 5) + (256 + 1 + 7),
            Cost(new TxnRequest { Success = { Op(Put("a", 5)), new RequestOp { RequestTxn = new TxnRequest { Failure = { Op(Put("b", 7)) } } } } }));
    }

    [Fact]
    public void No_request_costs_more_than_is_said_of_its_length()
    {
        foreach (TxnRequest txn in (TxnRequest[])
        [
            new TxnRequest(),
            new TxnRequest { Success = { Enumerable.Repeat(Op(new PutRequest()), 100) } },
            new TxnRequest { Success = { Enumerable.Repeat(Op(Put("k", 1)), 128) }, Failure = { Op(Put("k", 100_000)) } },
        ])
        {
            byte[] bytes = txn.ToByteArray();
            Assert.InRange(WriteCost.Txn(TxnRequestTree.Read(bytes)), 0, WriteCost.AtMost(bytes.Length));
        }

        Assert.InRange(Cost(new PutRequest()), 0, WriteCost.AtMost(0));
    }

    [Fact]
    public void Zero_means_2_GiB_and_below_zero_no_limit()
    {
        Assert.Equal(2L * 1024 * 1024 * 1024, new SpaceQuota(_size, 0).Bytes);
        _size.SizeBytes = long.MaxValue / 2;
        Assert.False(new SpaceQuota(_size, 0).HasRoomFor(1));
        Assert.True(new SpaceQuota(_size, 0).HasRoomFor(0));
        var none = new SpaceQuota(_size, -1);
        Assert.True(none.HasRoomFor(long.MaxValue / 4));
        Assert.Equal((-1, false), (none.Bytes, none.IsLimited));
    }

    [Fact]
    public void What_would_reach_the_quota_does_not_fit()
    {
        _size.SizeBytes = 600;
        var quota = new SpaceQuota(_size, 1000);
        Assert.True(quota.HasRoomFor(399));
        Assert.False(quota.HasRoomFor(400));
        _size.SizeBytes = 900;
        Assert.True(quota.HasRoomFor(399));
        quota.Measure();
        Assert.False(quota.HasRoomFor(399));
        Assert.Equal(900, quota.UsedBytes);
    }

    [Fact]
    public void What_is_committed_is_applied_whatever_the_quota_says()
    {
        var bench = new StateBench(_ => new SpaceQuota(_size, 1000));
        Assert.False(bench.Apply(new() { Put = Put("a", 10) })!.IsBeyondQuota);
        _size.SizeBytes = 990;
        bench.Finish();
        bench.Apply(new() { Compaction = new() { Revision = 2 } });
        bench.Finish();

        AssertBeyond(bench.Apply(new() { Put = Put("b", 10) }), 3);
        AssertBeyond(bench.Apply(new() { Txn = new() { Success = { Op(Put("c", 10)) } } }), 4);
        AssertBeyond(bench.Apply(new() { LeaseGrant = new() { ID = 7, TTL = 60 } }), 4);
        Assert.True(bench.Store.TryGet("b"u8, out _, out _));
        Assert.True(bench.Store.TryGet("c"u8, out _, out _));
        Assert.True(bench.Leases.Exists(new LeaseId(7)));

        // What takes no space is not its matter, and a refusal keeps its own reason.
        Assert.Null(bench.Apply(new() { DeleteRange = new() { Key = Utf8("b") } })!.Error);
        Assert.Null(bench.Apply(new() { Txn = new() { Success = { new RequestOp { RequestDeleteRange = new() { Key = Utf8("c") } } } } })!.Error);
        Assert.Same(EtcdErrors.LeaseNotFound, bench.Apply(new() { Put = new PutRequest { Key = Utf8("d"), Lease = 99 } })!.Error);
        Assert.Same(EtcdErrors.LeaseExists, bench.Apply(new() { LeaseGrant = new() { ID = 7, TTL = 60 } })!.Error);
    }

    [Fact]
    public void The_store_is_measured_again_as_it_grows()
    {
        var bench = new StateBench(_ => new SpaceQuota(_size, 1_000_000));
        _size.SizeBytes = 999_999;
        int puts = 0;
        while (!bench.Apply(new() { Put = Put("a", 1000) })!.IsBeyondQuota)
            puts++;

        Assert.InRange(puts, 1, Limits.QuotaMeasureBytes / 1000 + 1);
    }

    private static void AssertBeyond(ApplyOutcome? outcome, long revision)
    {
        Assert.Same(EtcdErrors.NoSpace, outcome!.Error);
        Assert.True(outcome.IsBeyondQuota);
        Assert.Equal(revision, outcome.Revision);
    }

    private static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);

    private static PutRequest Put(string key, int valueBytes) => new() { Key = Utf8(key), Value = ByteString.CopyFrom(new byte[valueBytes]) };

    private static RequestOp Op(PutRequest put) => new() { RequestPut = put };

    private static long Cost(PutRequest put) => WriteCost.Put(new PutRequestView(put.ToByteArray()));

    private static long Cost(TxnRequest txn) => WriteCost.Txn(TxnRequestTree.Read(txn.ToByteArray()));
}
