using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Requests;
using Etcd.Server.Apply.Txn;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Google.Protobuf;
using static Etcd.Protocol.Etcdserverpb.Compare.Types;
using static Etcd.Server.Tests.Apply.KvHarness;

namespace Etcd.Server.Tests.Apply;

/// <summary>Transactions by etcd's rules: conditions, order, revisions, answers, and that a refused one changes nothing.</summary>
public class TxnTests
{
    public static TheoryData<CompareTarget, CompareResult, long, bool> Numbers()
    {
        var data = new TheoryData<CompareTarget, CompareResult, long, bool>();
        (CompareTarget Target, long Value)[] existing =
        [
            (CompareTarget.Version, 2), (CompareTarget.Create, 2), (CompareTarget.Mod, 3), (CompareTarget.Lease, 9),
        ];
        foreach ((CompareTarget target, long value) in existing)
        {
            foreach (long given in (long[])[value - 1, value, value + 1])
            {
                data.Add(target, CompareResult.Equal, given, value == given);
                data.Add(target, CompareResult.NotEqual, given, value != given);
                data.Add(target, CompareResult.Greater, given, value > given);
                data.Add(target, CompareResult.Less, given, value < given);
            }
        }

        return data;
    }

    /// <summary>An encoded union may have its message in pieces, as after two encodings were put one behind the other.</summary>
    [Fact]
    public void An_operation_in_pieces_is_what_a_codec_makes_of_it()
    {
        byte[] pieces =
        [
            .. new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = ByteString.CopyFromUtf8("gone") } }.ToByteArray(),
            .. new RequestOp { RequestPut = new PutRequest { Key = ByteString.CopyFromUtf8("k") } }.ToByteArray(),
            .. new RequestOp { RequestPut = new PutRequest { Value = ByteString.CopyFromUtf8("v") } }.ToByteArray(),
            .. new RequestOp { RequestPut = new PutRequest { Lease = 9 } }.ToByteArray(),
        ];
        byte[] txn = [(2 << 3) | 2, (byte)pieces.Length, .. pieces];
        TxnOp op = Assert.Single(TxnRequestTree.Read(txn).Success);
        Assert.Equal(TxnOpKind.Put, op.Kind);
        Assert.Equal(RequestOp.Parser.ParseFrom(pieces).RequestPut, PutRequest.Parser.ParseFrom(op.Payload.Span));
    }

    [Theory]
    [MemberData(nameof(Numbers))]
    public void A_number_of_a_key_is_compared(CompareTarget target, CompareResult result, long given, bool holds)
    {
        KvHarness kv = WithKey();
        Assert.Equal(holds, kv.Txn(new TxnRequest { Compare = { NumberOf("k", target, result, given) } }).Succeeded);
    }

    [Theory]
    [InlineData(CompareResult.Equal, "m", false)]
    [InlineData(CompareResult.Equal, "n", true)]
    [InlineData(CompareResult.NotEqual, "m", true)]
    [InlineData(CompareResult.Greater, "m", true)]
    [InlineData(CompareResult.Greater, "n", false)]
    [InlineData(CompareResult.Less, "o", true)]
    [InlineData(CompareResult.Less, "n", false)]
    [InlineData(CompareResult.Greater, "", true)]
    public void A_value_is_compared_byte_by_byte(CompareResult result, string given, bool holds)
    {
        KvHarness kv = WithKey();
        Assert.Equal(holds, kv.Txn(new TxnRequest { Compare = { ValueOf("k", result, given) } }).Succeeded);
    }

    [Theory]
    [InlineData(CompareTarget.Version, true)]
    [InlineData(CompareTarget.Create, true)]
    [InlineData(CompareTarget.Mod, true)]
    [InlineData(CompareTarget.Lease, true)]
    public void A_missing_key_compares_as_zeros(CompareTarget target, bool holds)
    {
        var kv = new KvHarness();
        Assert.Equal(holds, kv.Txn(new TxnRequest { Compare = { NumberOf("missing", target, CompareResult.Equal, 0) } }).Succeeded);
        Assert.Equal(!holds, kv.Txn(new TxnRequest { Compare = { NumberOf("missing", target, CompareResult.Greater, 0) } }).Succeeded);
    }

    [Theory]
    [InlineData(CompareResult.Equal)]
    [InlineData(CompareResult.NotEqual)]
    [InlineData(CompareResult.Greater)]
    [InlineData(CompareResult.Less)]
    public void The_value_of_a_missing_key_never_compares(CompareResult result)
    {
        var kv = new KvHarness();
        Assert.False(kv.Txn(new TxnRequest { Compare = { ValueOf("missing", result, "") } }).Succeeded);
    }

    [Fact]
    public void A_condition_on_a_range_must_hold_for_every_key_that_exists_in_it()
    {
        var kv = new KvHarness();
        kv.Put("a", "x");
        kv.Put("b", "x");
        Compare all = ValueOf("a", CompareResult.Equal, "x");
        all.RangeEnd = ByteString.CopyFromUtf8("z");
        Assert.True(kv.Txn(new TxnRequest { Compare = { all } }).Succeeded);
        kv.Put("c", "y");
        Assert.False(kv.Txn(new TxnRequest { Compare = { all } }).Succeeded);
        all.RangeEnd = ByteString.CopyFromUtf8("\0");
        all.Key = ByteString.CopyFromUtf8("c");
        Assert.False(kv.Txn(new TxnRequest { Compare = { all } }).Succeeded);
    }

    [Fact]
    public void A_union_of_another_kind_than_the_target_stands_for_zero()
    {
        KvHarness kv = WithKey();
        var compare = new Compare { Key = ByteString.CopyFromUtf8("k"), Target = CompareTarget.Version, ModRevision = 2 };
        Assert.False(kv.Txn(new TxnRequest { Compare = { compare } }).Succeeded);
        compare.Key = ByteString.CopyFromUtf8("missing");
        Assert.True(kv.Txn(new TxnRequest { Compare = { compare } }).Succeeded);
    }

    [Fact]
    public void Writes_take_one_revision_and_reads_between_them_see_what_came_before()
    {
        var kv = new KvHarness();
        kv.Put("a", "old");
        TxnResponse response = kv.Txn(new TxnRequest
        {
            Success =
            {
                GetOp("a", "z"), PutOp("b", "1"), GetOp("a", "z"), DeleteOp("a"), GetOp("a", "z"), PutOp("c", "2"), GetOp("b", revision: 2),
            },
        });

        Assert.True(response.Succeeded);
        Assert.Equal(3, response.Header.Revision);
        Assert.Equal([2, 3, 3, 3, 3, 3, 3], response.Responses.Select(HeaderRevision));
        Assert.Equal(["a"], KeysOf(response.Responses[0]));
        Assert.Equal(["a", "b"], KeysOf(response.Responses[2]));
        Assert.Equal(["b"], KeysOf(response.Responses[4]));
        Assert.Equal([], KeysOf(response.Responses[6]));
        List<StoreEvent> events = [];
        kv.Store.ReadEvents(3, 10, events, out _);
        Assert.Equal([new Revision(3, 0), new Revision(3, 1), new Revision(3, 2)], events.Select(e => e.Revision));
    }

    [Fact]
    public void A_delete_of_nothing_reports_the_revision_before_the_transaction_until_something_changes()
    {
        var kv = new KvHarness();
        TxnResponse response = kv.Txn(new TxnRequest { Success = { DeleteOp("x"), PutOp("y"), DeleteOp("x") } });
        Assert.Equal([1, 2, 2], response.Responses.Select(HeaderRevision));
        response = kv.Txn(new TxnRequest { Success = { DeleteOp("x") } });
        Assert.Equal(2, response.Header.Revision);
        Assert.Equal(2, kv.Store.CurrentRevision);
    }

    [Fact]
    public void Nested_conditions_look_at_the_state_before_the_whole_transaction()
    {
        var kv = new KvHarness();
        var nested = new TxnRequest
        {
            Compare = { NumberOf("a", CompareTarget.Version, CompareResult.Greater, 0) },
            Success = { PutOp("seen") },
            Failure = { PutOp("not seen"), TxnOp(new TxnRequest { Success = { GetOp("a", "z") } }) },
        };
        TxnResponse response = kv.Txn(new TxnRequest { Success = { PutOp("a"), TxnOp(nested), PutOp("last") } });

        TxnResponse inner = response.Responses[1].ResponseTxn;
        Assert.False(inner.Succeeded);
        Assert.Equal(new ResponseHeader(), inner.Header);
        Assert.Equal(["a", "not seen"], KeysOf(inner.Responses[1].ResponseTxn.Responses[0]));
        Assert.Equal(2, response.Header.Revision);
        Assert.Equal(ResponseOp.ResponseOneofCase.ResponsePut, response.Responses[2].ResponseCase);
    }

    // #18667 and 3.7's fix 21432: a range that cannot be read must refuse the whole transaction on every member alike.
    [Theory]
    [InlineData(3, false)]
    [InlineData(9, true)]
    public void A_range_that_cannot_be_read_refuses_everything(long revision, bool future)
    {
        KvHarness kv = new(1);
        for (int i = 0; i < 5; i++)
            kv.Put("k", "v" + i);

        kv.Compact(4);
        EtcdError expected = future ? EtcdErrors.FutureRevision : EtcdErrors.Compacted;
        var nested = new TxnRequest { Success = { GetOp("k", revision: revision) } };
        Assert.Same(expected, kv.TxnError(new TxnRequest { Success = { PutOp("a", "", 1), DeleteOp("k"), GetOp("k", revision: revision) } }));
        Assert.Same(expected, kv.TxnError(new TxnRequest { Success = { PutOp("a", "", 1), TxnOp(nested) } }));
        Assert.Equal(6, kv.Store.CurrentRevision);
        Assert.Empty(kv.Leases.Calls);
        Assert.Null(kv.TxnError(new TxnRequest { Success = { PutOp("a") }, Failure = { GetOp("k", revision: revision) } }));
    }

    [Fact]
    public void A_put_that_is_refused_refuses_everything()
    {
        var kv = new KvHarness();
        var keeping = new RequestOp { RequestPut = new PutRequest { Key = ByteString.CopyFromUtf8("b"), IgnoreValue = true } };
        Assert.Same(EtcdErrors.LeaseNotFound, kv.TxnError(new TxnRequest { Success = { PutOp("a"), PutOp("b", "", 5) } }));
        Assert.Same(EtcdErrors.KeyNotFound, kv.TxnError(new TxnRequest { Success = { PutOp("a"), keeping } }));
        Assert.Equal(1, kv.Store.CurrentRevision);
    }

    [Fact]
    public void A_put_that_keeps_what_the_same_transaction_has_deleted_finds_nothing_to_keep()
    {
        var kv = new KvHarness();
        kv.Put("b", "value");
        var keeping = new RequestOp { RequestPut = new PutRequest { Key = ByteString.CopyFromUtf8("b"), IgnoreValue = true } };
        TxnResponse response = kv.Txn(new TxnRequest { Success = { DeleteOp("a", "\0"), keeping, GetOp("b") } });
        Assert.Equal(("", 1L), (response.Responses[2].ResponseRange.Kvs[0].Value.ToStringUtf8(), response.Responses[2].ResponseRange.Kvs[0].Version));
    }

    [Fact]
    public void Reading_transactions_are_answered_from_the_published_state()
    {
        KvHarness kv = WithKey();
        var request = new TxnRequest
        {
            Compare = { ValueOf("k", CompareResult.Equal, "n") },
            Success = { GetOp("k"), GetOp("k", "l", revision: 2) },
            Failure = { GetOp("k", revision: 99) },
        };
        TxnRequestTree tree = TxnRequestTree.Read(request.ToByteArray());
        Assert.True(tree.IsReadOnly);
        Assert.False(tree.IsSerializable);
        ApplyOutcome outcome = ReadOnlyTxn.Run(kv.Store, tree, new StoreFigures());
        TxnResponse viaLog = kv.Txn(request);
        viaLog.Header = null;
        Assert.Equal(viaLog, TxnResponse.Parser.ParseFrom(outcome.Body.Span));
        Assert.Equal(3, outcome.Revision);

        request.Compare[0].Value = ByteString.CopyFromUtf8("other");
        Assert.Same(EtcdErrors.FutureRevision, ReadOnlyTxn.Run(kv.Store, TxnRequestTree.Read(request.ToByteArray()), new StoreFigures()).Error);
    }

    [Fact]
    public void What_writes_or_nests_is_no_reading_transaction()
    {
        Assert.False(Tree(new TxnRequest { Success = { PutOp("a") } }).IsReadOnly);
        Assert.False(Tree(new TxnRequest { Failure = { DeleteOp("a") } }).IsReadOnly);
        Assert.False(Tree(new TxnRequest { Success = { TxnOp(new TxnRequest()) } }).IsReadOnly);
        Assert.True(Tree(new TxnRequest()).IsReadOnly);
        RequestOp local = GetOp("a");
        local.RequestRange.Serializable = true;
        Assert.True(Tree(new TxnRequest { Success = { local } }).IsSerializable);
        Assert.False(Tree(new TxnRequest { Success = { local }, Failure = { GetOp("b") } }).IsSerializable);
    }

    [Fact]
    public void Answers_longer_than_a_length_byte_are_encoded_right()
    {
        var kv = new KvHarness();
        var request = new TxnRequest();
        for (int i = 0; i < 100; i++)
        {
            kv.Put($"k{i:d3}", new string('v', i * 40));
            request.Success.Add(TxnOp(new TxnRequest { Success = { GetOp("k000", $"k{i:d3}") } }));
        }

        // The harness compares the bytes with those of the message's own encoder.
        TxnResponse response = kv.Txn(request);
        Assert.Equal(99, response.Responses[99].ResponseTxn.Responses[0].ResponseRange.Count);
    }

    private static KvHarness WithKey()
    {
        var kv = new KvHarness(9);
        kv.Put("k", "m");
        kv.Put("k", "n", 9);
        return kv;
    }

    private static TxnRequestTree Tree(TxnRequest request) => TxnRequestTree.Read(request.ToByteArray());

    private static Compare ValueOf(string key, CompareResult result, string value) => new()
    {
        Key = ByteString.CopyFromUtf8(key),
        Target = CompareTarget.Value,
        Result = result,
        Value = ByteString.CopyFromUtf8(value),
    };

    private static Compare NumberOf(string key, CompareTarget target, CompareResult result, long number)
    {
        var compare = new Compare { Key = ByteString.CopyFromUtf8(key), Target = target, Result = result };
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
            default:
                compare.Lease = number;
                break;
        }

        return compare;
    }

    private static string[] KeysOf(ResponseOp op) => [.. op.ResponseRange.Kvs.Select(k => k.Key.ToStringUtf8())];

    private static long HeaderRevision(ResponseOp op) => op.ResponseCase switch
    {
        ResponseOp.ResponseOneofCase.ResponseRange => op.ResponseRange.Header.Revision,
        ResponseOp.ResponseOneofCase.ResponsePut => op.ResponsePut.Header.Revision,
        _ => op.ResponseDeleteRange.Header.Revision,
    };
}
