using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Api.Validation;
using Etcd.Server.Apply.Requests;
using Google.Protobuf;
using static Etcd.Server.Tests.Apply.KvHarness;

namespace Etcd.Server.Tests.Apply;

/// <summary>What a member refuses before it proposes, with etcd's errors.</summary>
public class RequestChecksTests
{
    private const int OpsMax = 128;

    [Fact]
    public void Ranges_are_checked()
    {
        Assert.Same(EtcdErrors.EmptyKey, Range(new RangeRequest()));
        Assert.Null(Range(new RangeRequest { Key = ByteString.CopyFromUtf8("k") }));
        Assert.Same(EtcdErrors.InvalidSortOption, Range(new RangeRequest { Key = ByteString.CopyFromUtf8("k"), SortOrder = (RangeRequest.Types.SortOrder)3 }));
        Assert.Same(EtcdErrors.InvalidSortOption, Range(new RangeRequest { Key = ByteString.CopyFromUtf8("k"), SortTarget = (RangeRequest.Types.SortTarget)5 }));
        Assert.Same(EtcdErrors.InvalidSortOption, Range(new RangeRequest { Key = ByteString.CopyFromUtf8("k"), SortTarget = (RangeRequest.Types.SortTarget)(-1) }));
    }

    [Fact]
    public void A_range_in_pieces_takes_no_order_and_no_filters()
    {
        var request = new RangeRequest { Key = ByteString.CopyFromUtf8("k"), SortOrder = RangeRequest.Types.SortOrder.Descend };
        Assert.Same(EtcdErrors.RangeStreamSortOrder, RequestChecks.RangeStream(RangeRequestReader.Read(request.ToByteArray())));
        request.SortOrder = RangeRequest.Types.SortOrder.Ascend;
        Assert.Null(RequestChecks.RangeStream(RangeRequestReader.Read(request.ToByteArray())));
        request.MaxCreateRevision = 1;
        Assert.Same(EtcdErrors.RangeStreamRevisionFilters, RequestChecks.RangeStream(RangeRequestReader.Read(request.ToByteArray())));
    }

    [Fact]
    public void Every_field_of_a_range_is_read()
    {
        var request = new RangeRequest
        {
            Key = ByteString.CopyFromUtf8("k"),
            RangeEnd = ByteString.CopyFromUtf8("z"),
            Limit = 3,
            Revision = 4,
            SortOrder = RangeRequest.Types.SortOrder.Descend,
            SortTarget = RangeRequest.Types.SortTarget.Mod,
            Serializable = true,
            KeysOnly = true,
            CountOnly = true,
            MinModRevision = 5,
            MaxModRevision = 6,
            MinCreateRevision = 7,
            MaxCreateRevision = 8,
        };
        Server.Storage.RangeQuery query = RangeRequestReader.Read(request.ToByteArray());
        Assert.Equal("k/z", System.Text.Encoding.UTF8.GetString(query.Key) + "/" + System.Text.Encoding.UTF8.GetString(query.RangeEnd));
        Assert.Equal((3, 4, 2, 3), (query.Limit, query.Revision, (int)query.SortOrder, (int)query.SortTarget));
        Assert.True(query.Serializable && query.KeysOnly && query.CountOnly);
        Assert.Equal((5, 6, 7, 8), (query.MinModRevision, query.MaxModRevision, query.MinCreateRevision, query.MaxCreateRevision));
    }

    [Fact]
    public void Puts_and_deletes_are_checked()
    {
        Assert.Same(EtcdErrors.EmptyKey, Put(new PutRequest()));
        Assert.Same(EtcdErrors.ValueProvided, Put(new PutRequest { Key = ByteString.CopyFromUtf8("k"), IgnoreValue = true, Value = ByteString.CopyFromUtf8("v") }));
        Assert.Same(EtcdErrors.LeaseProvided, Put(new PutRequest { Key = ByteString.CopyFromUtf8("k"), IgnoreLease = true, Lease = 1 }));
        Assert.Null(Put(new PutRequest { Key = ByteString.CopyFromUtf8("k"), IgnoreLease = true, IgnoreValue = true }));
        Assert.Same(EtcdErrors.EmptyKey, RequestChecks.DeleteRange(new DeleteRangeRequestView(default)));
    }

    [Fact]
    public void A_transaction_has_at_most_so_many_operations_in_its_longest_list()
    {
        var txn = new TxnRequest();
        for (int i = 0; i < OpsMax; i++)
        {
            txn.Success.Add(PutOp("s" + i));
            txn.Failure.Add(PutOp("f" + i));
        }

        Assert.Null(Txn(txn));
        txn.Failure.Add(PutOp("one more"));
        Assert.Same(EtcdErrors.TooManyOps, Txn(txn));
    }

    [Fact]
    public void What_is_nested_may_have_what_the_outer_one_leaves()
    {
        var inner = new TxnRequest();
        for (int i = 0; i < OpsMax - 2; i++)
            inner.Success.Add(PutOp("k" + i));

        var outer = new TxnRequest { Success = { TxnOp(inner), PutOp("x") } };
        Assert.Null(Txn(outer));
        outer.Success.Add(PutOp("y"));
        Assert.Same(EtcdErrors.TooManyOps, Txn(outer));
    }

    [Fact]
    public void Each_operation_is_checked_and_an_empty_one_is_refused()
    {
        Assert.Same(EtcdErrors.EmptyKey, Txn(new TxnRequest { Compare = { new Compare() } }));
        Assert.Same(EtcdErrors.EmptyKey, Txn(new TxnRequest { Failure = { PutOp("") } }));
        Assert.Same(EtcdErrors.EmptyKey, Txn(new TxnRequest { Success = { TxnOp(new TxnRequest { Failure = { GetOp("") } }) } }));
        Assert.Same(EtcdErrors.KeyNotFound, Txn(new TxnRequest { Success = { new RequestOp() } }));
    }

    public static TheoryData<string, TxnRequest, bool> Overlaps() => new()
    {
        { "two puts", Of(PutOp("a"), PutOp("a")), true },
        { "two deletes", Of(DeleteOp("a"), DeleteOp("a")), false },
        { "put and delete of a key", Of(PutOp("a"), DeleteOp("a")), true },
        { "put in a deleted range", Of(DeleteOp("a", "c"), PutOp("b")), true },
        { "put at the end of a deleted range", Of(DeleteOp("a", "c"), PutOp("c")), false },
        { "put in one of two deleted ranges that touch", Of(DeleteOp("a", "c"), DeleteOp("c", "e"), PutOp("d")), true },
        { "etcd does not see an open range here", Of(DeleteOp("a", "\0"), PutOp("b")), false },
        { "puts in the two branches", Both(Of(PutOp("a")), Of(PutOp("a"))), false },
        { "put outside and in a branch", Of(PutOp("a"), TxnOp(Of(PutOp("a")))), true },
        { "puts in both nested branches", Of(TxnOp(Both(Of(PutOp("a")), Of(PutOp("a"))))), false },
        { "puts in two nested ones", Of(TxnOp(Of(PutOp("a"))), TxnOp(Of(PutOp("a")))), true },
        { "nested delete, then nested put", Of(TxnOp(Of(DeleteOp("a"))), TxnOp(Of(PutOp("a")))), true },
        { "nested put, then nested delete", Of(TxnOp(Of(PutOp("a"))), TxnOp(Of(DeleteOp("a")))), false },
        { "nested delete and an outer put", Of(TxnOp(Of(DeleteOp("a", "c"))), PutOp("b")), true },
        { "nested put in an outer deleted range", Of(TxnOp(Of(PutOp("b"))), DeleteOp("a", "c")), true },
        { "in the failure branch", Both(new TxnRequest(), Of(PutOp("a"), PutOp("a"))), true },
    };

    [Theory]
    [MemberData(nameof(Overlaps))]
    public void A_key_is_written_once(string what, TxnRequest txn, bool refused)
    {
        EtcdError? error = Txn(txn);
        Assert.True(refused ? ReferenceEquals(error, EtcdErrors.DuplicateKey) : error is null, $"{what}: {error?.Text}");
    }

    private static TxnRequest Of(params RequestOp[] ops) => new() { Success = { ops } };

    private static TxnRequest Both(TxnRequest then, TxnRequest otherwise) => new() { Success = { then.Success }, Failure = { otherwise.Success } };

    private static EtcdError? Range(RangeRequest request) => RequestChecks.Range(RangeRequestReader.Read(request.ToByteArray()));

    private static EtcdError? Put(PutRequest request) => RequestChecks.Put(new PutRequestView(request.ToByteArray()));

    private static EtcdError? Txn(TxnRequest request) => RequestChecks.Txn(TxnRequestTree.Read(request.ToByteArray()), OpsMax);
}
