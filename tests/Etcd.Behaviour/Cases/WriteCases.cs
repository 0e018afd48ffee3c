using static Etcd.Behaviour.Cases.Requests;

namespace Etcd.Behaviour.Cases;

/// <summary>Puts and deletes.</summary>
internal static class WriteCases
{
    public static IReadOnlyList<Case> List { get; } =
    [
        new("put and what was there before", async talk =>
        {
            await talk.AskAsync(
                Put("k", "1", with: r => r.PrevKv = true), Put("k", "2", with: r => r.PrevKv = true), Put("k", "", with: r => r.PrevKv = true),
                Put("k", "3", with: r => r.PrevKv = true), Delete("k"), Put("k", "4", with: r => r.PrevKv = true), Get("k"));
        }),
        new("put that keeps the value or the lease", async talk =>
        {
            await talk.AskAsync(
                Put("k", "", with: r => r.IgnoreValue = true), Put("k", "v", with: r => r.IgnoreLease = true), Grant(7), Put("k", "v", 7),
                Put("k", "", with: r => (r.IgnoreValue, r.PrevKv) = (true, true)), Get("k"), TimeToLive(7, keys: true),
                Put("k", "v", 7), Put("k", "w", with: r => r.IgnoreLease = true), Get("k"), TimeToLive(7, keys: true),
                Put("k", "", with: r => (r.IgnoreLease, r.IgnoreValue) = (true, true)), Get("k"),
                Put("k", "", 7, r => r.IgnoreValue = true), Put("k", "x", 7, r => r.IgnoreLease = true), Put("k", "x", with: r => r.IgnoreValue = true),
                Put("k", "x", 7, r => (r.IgnoreLease, r.IgnoreValue) = (true, true)), Put("k", "", 99, r => r.IgnoreValue = true), Get("k"));
        }),
        new("put with a lease that is not there", async talk =>
        {
            await talk.AskAsync(
                Put("k", "v", 5), Put("k", "v", -5), Put("k", "v", long.MaxValue), Get("k"), Grant(5), Put("k", "v", 5), Revoke(5), Put("k", "v", 5), Get("k"));
        }),
        new("put changes the lease of a key", async talk =>
        {
            await talk.AskAsync(
                Grant(5), Grant(6), Put("k", "v", 5), Put("k", "v", 6), TimeToLive(5, keys: true), TimeToLive(6, keys: true), Put("k", "v"), TimeToLive(6, keys: true),
                Revoke(5), Revoke(6), Get("k"));
        }),
        new("put of odd keys", async talk =>
        {
            await talk.AskAsync(
                Put("", "v"), Put("", "", with: r => (r.IgnoreValue, r.IgnoreLease) = (true, true)), Put("\0", "zero"), Put("\xff\xfe", "\0\x80\xff"),
                Put(new string('k', 2000), "long"), All());
        }),
        new("delete one and a range", async talk =>
        {
            await talk.AskAsync(
                Put("a", "1"), Put("b", "2"), Put("c", "3"), Put("d", "4"), Delete("x"), Delete("x", prevKv: true), Delete("b", prevKv: true), Delete("b", prevKv: true),
                Delete("a", "d", prevKv: true), Delete("a", "d", prevKv: true), All(), Delete("e", "a"), Delete("d", "d"), Delete("d", "\0", prevKv: true), All());
        }),
        new("delete odd ranges", async talk =>
        {
            await talk.AskAsync(
                Put("\0", "1"), Put("a", "2"), Put("\xff", "3"), Delete("", "\0"), Delete(""), Delete("", "z", prevKv: true), Delete("\0"), Delete("b", "\0", prevKv: true),
                Delete("\0", "\0", prevKv: true), Delete("\0", "\0"), All());
        }),
        new("delete and put again", async talk =>
        {
            await talk.AskAsync(
                Put("a", "1"), Put("a", "2"), Delete("a"), Put("a", "3"), Get("a"), Get("a", with: r => r.Revision = At(2)), Get("a", with: r => r.Revision = At(3)),
                Get("a", with: r => r.Revision = At(4)), Delete("a"), Delete("a"), Put("a", "4"), Get("a"));
        }),
        new("delete of keys with leases", async talk =>
        {
            await talk.AskAsync(
                Grant(5), Put("a", "1", 5), Put("b", "2", 5), Put("c", "3", 5), Delete("a", "c", prevKv: true), TimeToLive(5, keys: true), Put("a", "again"),
                TimeToLive(5, keys: true), Revoke(5), All());
        }),
    ];
}
