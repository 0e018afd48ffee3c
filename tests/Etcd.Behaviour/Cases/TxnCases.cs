using Etcd.Behaviour.Asking;
using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;
using static Etcd.Behaviour.Cases.Requests;
using static Etcd.Protocol.Etcdserverpb.Compare.Types;

namespace Etcd.Behaviour.Cases;

/// <summary>Transactions.</summary>
internal static class TxnCases
{
    private static readonly CompareTarget[] Numbers = [CompareTarget.Version, CompareTarget.Create, CompareTarget.Mod, CompareTarget.Lease];

    public static IReadOnlyList<Case> List { get; } =
    [
        new("txn compares every number of a key", async talk =>
        {
            await LeasedKeyAsync(talk);
            await talk.AskAsync(
                from target in Numbers
                from result in Enum.GetValues<CompareResult>()
                from delta in new[] { -1, 0, 1 }
                select If([Number("k", target, result, NumberOf(target) + delta)]));
            await talk.AskAsync(
                from target in Numbers
                from result in Enum.GetValues<CompareResult>()
                from number in new[] { -1, 0, 1 }
                select If([Number("absent", target, result, number)]));
        }),
        new("txn compares values", async talk =>
        {
            await talk.AskAsync(Put("k", "m"), Put("empty", ""));
            await talk.AskAsync(
                from key in new[] { "k", "empty", "absent" }
                from result in Enum.GetValues<CompareResult>()
                from value in new[] { "", "l", "m", "mm", "n" }
                select If([Value(key, result, value)]));
        }),
        new("txn compares ranges", async talk =>
        {
            await LeasedKeyAsync(talk);
            await talk.AskAsync(Put("l", "m"), Put("m", "m"));
            await talk.AskAsync(
                from target in Numbers
                from result in Enum.GetValues<CompareResult>()
                from end in new[] { "", "m", "z", "\0", "k", "a" }
                select If([Number("k", target, result, NumberOf(target), end)]));
            await talk.AskAsync(
                from result in Enum.GetValues<CompareResult>()
                from end in new[] { "l", "n", "\0", "a" }
                select If([Value("k", result, "m", end)]));
            await talk.AskAsync(from result in Enum.GetValues<CompareResult>() select If([Value("x", result, "m", "z")]));
            await talk.AskAsync(from result in Enum.GetValues<CompareResult>() select If([Number("x", CompareTarget.Mod, result, 0, "\0")]));
        }),
        new("txn compares with odd conditions", async talk =>
        {
            await talk.AskAsync(Put("k", "v"), Put("k", "w"));
            await talk.AskAsync(
                If([new Compare()]), If([new Compare { Key = B("k") }]), If([new Compare { Key = B("absent") }]),
                If([new Compare { Key = B("k"), Target = CompareTarget.Mod, Version = At(2) }]), If([new Compare { Key = B("k"), Target = CompareTarget.Version, Version = 2 }]),
                If([new Compare { Key = B("k"), Target = CompareTarget.Value, Version = 2 }]), If([new Compare { Key = B("absent"), Target = CompareTarget.Create, Value = B("v") }]),
                If([new Compare { Key = B("k"), Target = (CompareTarget)9 }]), If([new Compare { Key = B("k"), Target = (CompareTarget)9, Result = CompareResult.NotEqual }]),
                If([new Compare { Key = B("k"), Target = CompareTarget.Version, Result = (CompareResult)9, Version = 1 }]),
                If([new Compare { Key = B("k"), Target = CompareTarget.Version, Result = CompareResult.Less, Version = long.MaxValue }]),
                If([new Compare { Key = B("k"), Target = CompareTarget.Lease, Result = CompareResult.Greater, Lease = long.MinValue }]),
                If([new Compare { RangeEnd = B("\0") }]));
        }),
        new("txn of several conditions", async talk =>
        {
            await talk.AskAsync(Put("a", "1"), Put("b", "2"));
            await talk.AskAsync(
                If([Value("a", CompareResult.Equal, "1"), Value("b", CompareResult.Equal, "2")], [Put("both", "yes")], [Put("both", "no")]),
                If([Value("a", CompareResult.Equal, "1"), Value("b", CompareResult.Equal, "3")], [Put("both", "yes")], [Put("both", "no")]),
                If([], [Get("both")], [Delete("both")]), If([]), All());
        }),
        new("txn reads its own writes", async talk =>
        {
            await talk.AskAsync(Put("a", "1"), Put("b", "2"), Put("c", "3"));
            await talk.AskAsync(
                Do(Put("a", "9", with: r => r.PrevKv = true), Get("a"), Delete("b", "d", prevKv: true), Get("a", "z"), Get("a", "z", r => r.Revision = At(3)), Put("e", "5"), Get("a", "z")),
                Do(Get("a"), Put("a", "10"), Get("a"), Get("x")), Do(Delete("x"), Get("a")), Do(Delete("x"), Put("y", "1"), Delete("z", prevKv: true)), Do(Get("a"), Get("b")),
                Do(Put("n", "1", with: r => r.PrevKv = true), Put("o", "1"), Get("n", "p", r => r.SortOrder = RangeRequest.Types.SortOrder.Descend)), All());
        }),
        new("txn sorts and bounds what it has written itself", async talk =>
        {
            await talk.AskAsync(Put("c", "2"), Put("a", "3"), Put("b", "1"), Put("d", "0"), Put("b", "4"));
            await talk.AskAsync(
                from target in Enum.GetValues<RangeRequest.Types.SortTarget>()
                from order in Enum.GetValues<RangeRequest.Types.SortOrder>()
                select Do(Put("b", "9"), Put("e", "0"), Get("a", "z", r => (r.SortTarget, r.SortOrder, r.Limit) = (target, order, 3)), Get("a", "z", r => (r.SortTarget, r.SortOrder, r.KeysOnly) = (target, order, true))));
            await talk.AskAsync(
                from set in new Action<RangeRequest, long>[]
                {
                    (r, b) => r.MinModRevision = b, (r, b) => r.MaxModRevision = b, (r, b) => r.MinCreateRevision = b, (r, b) => r.MaxCreateRevision = b,
                }
                from bound in new[] { 3, 22, 23, 24, 25 }
                select Do(Put("b", "9"), Get("a", "z", r => set(r, At(bound))), Delete("b"), Get("a", "z", r => { set(r, At(bound)); r.CountOnly = true; })));
            await talk.AskAsync(
                Do(Put("f", "1"), Get("f", with: r => r.MinModRevision = At(43)), Get("f", with: r => r.MinModRevision = At(44)), Get("a", "z", r => (r.Revision, r.Limit) = (At(3), 2)), Get("f", with: r => r.Revision = At(42))), All());
        }),
        new("txn nested in both branches", async talk =>
        {
            await talk.AskAsync(Put("a", "1"));
            await talk.AskAsync(
                If([], [If([], [Put("b", "1")], [Put("b", "2")]), Put("c", "1")], [If([], [Put("c", "3")], [Put("c", "4")])]),
                If([], [If([], [Put("b", "1")], [Put("c", "2")]), Put("c", "1")]), If([], [If([], [Put("b", "1")], [Put("c", "2")]), Put("b", "1")]),
                If([], [If([], [Delete("b", "d")], [Put("c", "2")]), Put("c", "1")]), If([], [If([], [Put("x", "1")], [Delete("b", "d")]), Put("c", "1")]),
                If([Value("a", CompareResult.Equal, "no")], [If([], [Put("b", "1"), Put("b", "2")])], [Get("a")]), If([], [Get("a")], [If([], [], [Put("b", "1"), Delete("a", "z")])]),
                If([], [If([], [If([], [Put("d", "1")], [Put("d", "2")])], [If([], [Put("d", "3")], [Put("d", "4")])])]),
                If([], [If([], [If([], [Put("d", "1")])]), If([], [], [If([], [Put("d", "3")])])]), All());
        }),
        new("txn that changes nothing makes no revision", async talk =>
        {
            await talk.AskAsync(Put("a", "1"), Do(), Do(Delete("x")), Do(Delete("x"), Delete("y", "\0")), Do(Do(Delete("x"))), Do(Do()), Get("a"), Put("a", "2"));
        }),
        new("txn reads at revisions", async talk =>
        {
            await talk.AskAsync(Put("a", "1"), Put("a", "2"), Put("a", "3"), Put("a", "4"), Compact(At(2)));
            await talk.AskAsync(from n in Enumerable.Range(0, 7) select Do(Get("a", with: r => r.Revision = At(n))));
            await talk.AskAsync(from n in new[] { 1, 2, 4, 5, 6 } select Do(Put($"w{n}", "no"), Get("a", with: r => r.Revision = At(n))));
            await talk.AskAsync(from n in new[] { 1, 2, 20 } select Do(Do(Put($"n{n}", "no"), Get("a", with: r => r.Revision = At(n)))));
            await talk.AskAsync(
                Do(Get("a", with: r => r.Revision = -1)), Do(Put("neg", "no"), Get("a", with: r => r.Revision = -1)), Do(Get("a", with: r => r.Revision = 1)),
                If([], [Get("a")], [Get("a", with: r => r.Revision = At(100))]), If([Value("a", CompareResult.Equal, "no")], [Get("a", with: r => r.Revision = At(100))], [Get("a")]),
                Get("n", "z"), All());
        }),
        new("txn refused changes nothing", async talk =>
        {
            await talk.AskAsync(Put("a", "1"), Grant(5));
            await talk.AskAsync(
                Do(Put("b", "no"), Put("c", "no", 99)), Do(Put("b", "no", 5), Put("c", "", with: r => r.IgnoreValue = true)), Do(Put("b", "no"), Get("a", with: r => r.Revision = At(50))),
                Do(Put("b", "no"), Do(Put("c", "no"), Do(Put("d", "no", 99)))), Do(Delete("a"), Do(Put("d", "no", 99))), Do(Put("b", "no"), Get("")), Do(Put("b", "no"), Put("")),
                Do(Put("b", "no"), Delete("")), TimeToLive(5, keys: true), All());
        }),
        new("txn puts that keep value or lease", async talk =>
        {
            await talk.AskAsync(Grant(5), Put("a", "1", 5));
            await talk.AskAsync(
                Do(Put("a", "", with: r => (r.IgnoreValue, r.PrevKv) = (true, true)), Get("a")), Do(Put("a", "2", with: r => (r.IgnoreLease, r.PrevKv) = (true, true)), Get("a")),
                Do(Put("a", "v", with: r => r.IgnoreValue = true)), Do(Put("a", "", 5, r => r.IgnoreLease = true)), Do(Put("x", "", with: r => r.IgnoreValue = true)),
                Do(Do(Put("a", "", 5, r => r.IgnoreValue = true))), TimeToLive(5, keys: true));
        }),
        new("txn of duplicate keys", async talk =>
        {
            await talk.AskAsync(Put("a", "0"));
            await talk.AskAsync(
                Do(Put("a"), Put("a")), Do(Put("a"), Put("b")), Do(Put("a"), Delete("a")), Do(Delete("a"), Put("a")), Do(Delete("a"), Delete("a")), Do(Delete("a", "c"), Put("b")),
                Do(Delete("a", "c"), Put("c")), Do(Delete("a", "\0"), Put("b")), Do(Delete("b", "\0"), Put("b")), Do(Delete("c", "a"), Put("b")), Do(Delete("c", "a"), Put("c")),
                Do(Delete("b", "b"), Put("b")), Do(Put("a"), Do(Put("a"))), Do(Do(Put("a")), Put("a")), Do(Do(Put("a")), Do(Put("a"))),
                Do(Delete("a", "c"), Do(Put("b"))), Do(Do(Delete("a", "c")), Put("b")), Do(Do(Delete("a", "c")), Do(Put("b"))), Do(Do(Put("b")), Do(Delete("a", "c"))),
                Do(Put("b"), Do(Delete("a", "c"))), Do(If([], [Put("b")], [Put("b")])), Do(If([], [Put("b")], [Delete("b")])), Do(If([], [Put("b")], [Put("c")]), Put("c")),
                Do(If([], [Put("b")], [Put("c")]), Do(Put("b"))), If([], [Put("b")], [Put("b")]), If([], [], [Put("b"), Put("b")]), Do(Do(Do(Put("b"))), Do(Do(Put("b")))),
                Do(Delete("", "\0"), Put("b")), Do(Put("", "x"), Put("", "x")), All());
        }),
        new("txn in txn", async talk =>
        {
            await talk.AskAsync(Put("a", "1"));
            await talk.AskAsync(
                If(Value("a", CompareResult.Equal, "1"), If(Value("a", CompareResult.Equal, "2"), Put("inner", "yes"), Put("inner", "no")), Put("outer", "no")),
                Do(Put("a", "2"), If(Value("a", CompareResult.Equal, "2"), Put("order", "sees the new"), Put("order", "sees the old")), If(Value("order", CompareResult.Equal, "sees the old"), Get("a", "z"), Delete("z")), Get("order")),
                Do(Do(Do(Do(Get("a"))))), Do(Do(Put("x", "1")), Get("x"), Do(Get("x"), Put("y", "1")), Get("y")), If([Value("a", CompareResult.Equal, "no")], [Do(Put("then", "1"))], [Do(Put("else", "1"), Do(Get("else")))]),
                Do(Do(Get("a")), Do(Delete("a", prevKv: true)), Do(Get("a"))), Do(Do()), Do(Do(), Do(), Get("a")), All());
        }),
        new("txn of empty operations", async talk =>
        {
            await talk.AskAsync(
                new TxnRequest { Success = { new RequestOp() } }, new TxnRequest { Failure = { new RequestOp() } }, Do(new TxnRequest { Success = { new RequestOp() } }),
                new TxnRequest { Success = { Op(Put("a", "1")), new RequestOp() } }, Get("a"), new TxnRequest { Compare = { new Compare() }, Success = { new RequestOp() } });
        }),
        new("txn checks its operations in order", async talk =>
        {
            await talk.AskAsync(Put("a", "1"));
            await talk.AskOneAsync(
                Do(Get("a", with: r => r.Revision = At(9)), Put("b", "no", 99)), KnownDifferences.TxnIsCheckedInOrder);
            await talk.AskAsync(Do(Put("b", "no", 99), Get("a", with: r => r.Revision = At(9))));
            await talk.AskOneAsync(Do(Put("b", "", 99, r => r.IgnoreValue = true)), KnownDifferences.TxnPutIsCheckedForItsLeaseFirst);
            await talk.AskAsync(Put("b", "", 99, r => r.IgnoreValue = true), All());
        })
        {
            Shows = [KnownDifferences.TxnIsCheckedInOrder, KnownDifferences.TxnPutIsCheckedForItsLeaseFirst],
        },
        new("txn checks a request before it runs", async talk =>
        {
            await talk.AskAsync(
                Do(Get(""), Put("a"), Put("a")), Do(Put("a"), Put("a"), Get("")), Do(Put("a"), Put("a"), Get("x", with: r => r.Revision = At(9))), Do(Put("a", "v", with: r => r.IgnoreValue = true), Put("")),
                If([Value("", CompareResult.Equal, "")], [Put("")]), Do(Delete(""), Get("")), All());
        }),
        new("txn of many operations", async talk =>
        {
            await talk.AskAsync(Do(Enumerable.Range(0, 128).Select(i => Put($"k{i:d3}"))), Get("k", "l", r => r.CountOnly = true));
            await TooManyAsync(talk, 128);
        }),
        new("txn of too many operations for a small limit", async talk =>
        {
            await talk.AskAsync(Do(Enumerable.Range(0, 8).Select(i => Put($"k{i:d3}"))), Get("k", "l", r => r.CountOnly = true));
            await TooManyAsync(talk, 8);
        })
        {
            IsTight = true,
        },
        new("txn that only reads", async talk =>
        {
            await talk.AskAsync(
                Put("a", "1"), Put("b", "2"), Do(Get("a"), Get("b"), Get("c")), If([Number("a", CompareTarget.Version, CompareResult.Greater, 1)], [Get("a")], [Get("b"), Get("a", "z", r => r.CountOnly = true)]),
                Do(Get("a", with: r => r.Serializable = true), Get("b", with: r => r.Revision = At(1))), Do(Get("a", with: r => r.Revision = At(3))), Do(Do(Get("a"))), Do(Get("a", "z", r => (r.Limit, r.KeysOnly) = (1, true))));
        }),
    ];

    private static async Task TooManyAsync(Talk talk, int max)
    {
        IMessage[] Reads(int count) => [.. Enumerable.Range(0, count).Select(_ => Get("a"))];
        Compare[] Conditions(int count) => [.. Enumerable.Range(0, count).Select(_ => Number("a", CompareTarget.Version, CompareResult.Equal, 0))];
        await CountAsync(talk, "reads", Do(Reads(max)), Do(Reads(max + 1)));
        await CountAsync(talk, "conditions", If(Conditions(max)), If(Conditions(max + 1)));
        await CountAsync(talk, "otherwise", If([], [], Reads(max)), If([], [], Reads(max + 1)));
        await CountAsync(talk, "the longest list counts", If(Conditions(max), Reads(max), Reads(max)), If(Conditions(max), Reads(max + 1), Reads(max)));
        await CountAsync(talk, "nested", Do([.. Reads(max - 4), Do(Reads(3))]), Do([.. Reads(max - 4), Do(Reads(4))]));
        await CountAsync(talk, "nested side by side", Do([.. Reads(max - 5), Do(Reads(3)), Do(Reads(3))]), Do([.. Reads(max - 5), Do(Reads(4)), Do(Reads(2))]));
        await CountAsync(talk, "nested conditions", Do(Do(Reads(1)), If(Conditions(max - 2))), Do(Do(Reads(1)), If(Conditions(max - 1))));
        await CountAsync(talk, "nested in nested", Nest(max), Nest(max + 1));
    }

    private static TxnRequest Nest(int depth) => depth == 1 ? Do(Get("a")) : Do(Nest(depth - 1));

    private static async Task CountAsync(Talk talk, string what, params TxnRequest[] requests)
    {
        foreach (TxnRequest request in requests)
        {
            Reply reply = await talk.Session.AskAsync(request);
            talk.Note($"{what}: {reply.Error ?? "taken"}");
        }
    }

    private static async Task LeasedKeyAsync(Talk talk) => await talk.AskAsync(Grant(9), Put("k", "1", 9), Put("k", "m", 9));

    private static long NumberOf(CompareTarget target) => target switch
    {
        CompareTarget.Create => At(1),
        CompareTarget.Mod => At(2),
        CompareTarget.Version => 2,
        _ => 9,
    };
}
