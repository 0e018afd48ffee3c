using static Etcd.Behaviour.Cases.Requests;

namespace Etcd.Behaviour.Cases;

/// <summary>Compactions.</summary>
internal static class CompactionCases
{
    public static IReadOnlyList<Case> List { get; } =
    [
        new("compaction and its errors", async talk =>
        {
            await talk.AskAsync(Put("a", "1"), Put("a", "2"), Delete("a"), Put("b", "1"), Put("b", "2"));
            await talk.AskAsync(
                Compact(-1), Compact(0), Compact(1), Compact(At(-1)), Compact(At(0)), Compact(At(6)), Compact(long.MaxValue), Compact(long.MinValue), Compact(At(2)), Compact(At(2)),
                Compact(At(1)), Compact(At(3), physical: true), Compact(At(3), physical: true), Compact(At(9), physical: true), Compact(At(5), physical: true), Compact(At(5)), All());
        }),
        new("compaction keeps what is current", async talk =>
        {
            await talk.AskAsync(
                Put("a", "1"), Put("a", "2"), Put("b", "1"), Delete("b"), Put("c", "1"), Compact(At(3), physical: true), Get("a", "z", r => r.Revision = At(3)),
                Get("a", "z", r => r.Revision = At(4)), Compact(At(4), physical: true), Get("a", "z", r => r.Revision = At(4)), Get("b", with: r => r.Revision = At(4)),
                Get("b", with: r => r.Revision = At(3)), Put("b", "2"), Get("b"), Compact(At(6), physical: true), All());
        }),
        new("compaction at a delete, and the key again", async talk =>
        {
            await talk.AskAsync(
                Put("a", "1"), Delete("a"), Compact(At(2), physical: true), Get("a", with: r => r.Revision = At(2)), Get("a"), Put("a", "2"), Get("a"),
                Put("a", "3"), Get("a"), Compact(At(3), physical: true), Get("a", with: r => r.Revision = At(3)), Get("a"));
        }),
    ];
}
