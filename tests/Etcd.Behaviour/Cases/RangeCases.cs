using Etcd.Behaviour.Asking;
using Etcd.Protocol.Etcdserverpb;
using static Etcd.Behaviour.Cases.Requests;
using static Etcd.Protocol.Etcdserverpb.RangeRequest.Types;

namespace Etcd.Behaviour.Cases;

/// <summary>Reads.</summary>
internal static class RangeCases
{
    public static IReadOnlyList<Case> List { get; } =
    [
        new("range sorted by every target in every order", async talk =>
        {
            await SomeKeysAsync(talk);
            await talk.AskAsync(
                from target in Enum.GetValues<SortTarget>()
                from order in Enum.GetValues<SortOrder>()
                from limit in new[] { 0, 1, 3 }
                select Get("a", "z", r => (r.SortTarget, r.SortOrder, r.Limit) = (target, order, limit)));
        }),
        new("range limits, more and count", async talk =>
        {
            await SomeKeysAsync(talk);
            await talk.AskAsync(
                from limit in new[] { -1, 0, 1, 4, 5, 6, long.MaxValue, long.MinValue }
                select All(r => r.Limit = limit));
            await talk.AskAsync(
                Get("b", "d", r => r.Limit = 1), Get("b", "d", r => (r.Limit, r.CountOnly) = (1, true)), Get("x", "y", r => r.Limit = 1),
                Get("b", with: r => r.Limit = 1), Get("x", with: r => r.Limit = 1), All(r => (r.Limit, r.SortOrder) = (2, SortOrder.Descend)),
                All(r => (r.Limit, r.MinModRevision) = (2, At(5))), All(r => (r.Limit, r.MinModRevision) = (5, At(5))));
        }),
        new("range keys only and count only", async talk =>
        {
            await SomeKeysAsync(talk);
            await talk.AskAsync(Grant(7), Put("b", "leased", 7));
            await talk.AskAsync(
                All(r => r.KeysOnly = true), All(r => (r.KeysOnly, r.Limit) = (true, 2)), Get("b", with: r => r.KeysOnly = true),
                All(r => (r.KeysOnly, r.SortTarget) = (true, SortTarget.Mod)), All(r => (r.KeysOnly, r.SortTarget) = (true, SortTarget.Value)),
                All(r => (r.KeysOnly, r.SortTarget, r.SortOrder) = (true, SortTarget.Value, SortOrder.Descend)),
                All(r => (r.KeysOnly, r.Revision) = (true, At(5))), All(r => (r.KeysOnly, r.CountOnly) = (true, true)),
                All(r => r.CountOnly = true), Get("b", with: r => r.CountOnly = true), Get("x", with: r => r.CountOnly = true),
                Get("c", "\0", r => r.CountOnly = true), Get("c", "a", r => r.CountOnly = true), All(r => (r.CountOnly, r.Revision) = (true, At(2))),
                All(r => (r.CountOnly, r.MinModRevision) = (true, At(5))),
                Do(Get("b", with: r => r.KeysOnly = true), All(r => (r.KeysOnly, r.SortTarget) = (true, SortTarget.Value))));
        })
        {
            Shows = [KnownDifferences.KeysOnlyHasNoLease],
        },
        new("range bounded by revisions", async talk =>
        {
            await SomeKeysAsync(talk);
            await talk.AskAsync(
                from bound in new[] { -1, 0, 1, 4, 5, 8, 9, 100 }
                from set in new Action<RangeRequest, long>[]
                {
                    (r, b) => r.MinModRevision = b, (r, b) => r.MaxModRevision = b, (r, b) => r.MinCreateRevision = b, (r, b) => r.MaxCreateRevision = b,
                }
                select All(r => set(r, bound == 0 ? 0 : At(bound))));
            await talk.AskAsync(
                All(r => (r.MinModRevision, r.MaxModRevision) = (At(4), At(6))), All(r => (r.MinModRevision, r.MaxModRevision) = (At(6), At(4))),
                All(r => (r.MinCreateRevision, r.MaxModRevision, r.Limit) = (At(2), At(7), 1)), All(r => r.MinModRevision = -5), All(r => r.MaxModRevision = -5),
                Get("b", with: r => r.MinModRevision = At(100)), All(r => (r.Revision, r.MaxModRevision) = (At(5), At(4))),
                All(r => (r.MinModRevision, r.SortTarget, r.SortOrder, r.Limit) = (At(3), SortTarget.Mod, SortOrder.Descend, 2)));
        }),
        new("range at old, future and compacted revisions", async talk =>
        {
            await SomeKeysAsync(talk);
            await talk.AskAsync(Delete("a"));
            await talk.AskAsync(from n in Enumerable.Range(0, 12) select Get("a", "z", r => r.Revision = At(n)));
            await talk.AskAsync(
                All(r => r.Revision = -1), All(r => r.Revision = long.MinValue), All(r => r.Revision = long.MaxValue), All(r => r.Revision = 1), All(r => r.Revision = At(-1)),
                All(r => (r.Revision, r.Serializable) = (At(4), true)), All(r => (r.Revision, r.Serializable) = (At(10), true)),
                Get("x", with: r => r.Revision = At(10)), Get("c", "a", r => r.Revision = At(10)));
            await talk.AskAsync(Compact(At(5)));
            await talk.AskAsync(from n in new[] { 3, 4, 5, 6, 9, 10 } from key in new[] { "a", "b" } select Get(key, with: r => r.Revision = At(n)));
            await talk.AskAsync(
                Get("c", "a", r => r.Revision = At(4)), All(r => (r.Revision, r.CountOnly) = (At(4), true)), All(r => (r.Revision, r.CountOnly) = (At(5), true)),
                All(r => (r.Revision, r.Limit, r.SortOrder) = (At(4), 1, SortOrder.Descend)));
        }),
        new("range ends", async talk =>
        {
            await talk.AskAsync(Put("\0", "first"), Put("a", "1"), Put("a\0", "2"), Put("ab", "3"), Put("b", "4"), Put("\xff", "5"), Put("\xff\xff", "6"));
            await talk.AskAsync(
                Get("a"), Get("a", "a"), Get("a", "a\0"), Get("a", "b"), Get("b", "a"), Get("a", "\0"), Get("\0", "\0"), Get("\0"), Get("\0", "a"), Get("\0\0", "\0"),
                Get("\xff", "\0"), Get("\xff\xff\xff", "\0"), Get("a", "\0\0"), Get("", ""), Get("", "\0"), Get("", "b"), Get("b", "\xff"), Get("b", "\xff\xff"));
        }),
        new("range serializable", async talk =>
        {
            await SomeKeysAsync(talk);
            await talk.AskAsync(All(r => r.Serializable = true), Get("", with: r => r.Serializable = true), Do(All(r => r.Serializable = true)));
        }),
        new("range of an undefined order", async talk =>
        {
            await talk.AskAsync(Put("k", "v"));
            await talk.AskAsync(Get("k", with: r => r.SortOrder = (SortOrder)3), Get("k", with: r => r.SortOrder = (SortOrder)(-1)), Get("", with: r => r.SortOrder = (SortOrder)3));
        })
        {
            Shows = [KnownDifferences.SortOrderIsChecked],
        },
        new("range of the keys of a lease", async talk =>
        {
            await talk.AskAsync(Grant(7), Put("a", "1", 7), Put("b", "2"), Put("a", "3"), Put("b", "4", 7), All(), Revoke(7), All());
        }),
    ];

    // Values, versions, create and mod revisions all have an order of their own.
    private static Task SomeKeysAsync(Talk talk) => talk.AskAsync(
        Put("c", "2"), Put("a", "3"), Put("b", "1"), Put("d", "0"), Put("b", "4"), Put("b", "1"), Put("c", "5"), Put("e", "5"), Put("a", "3"));
}
