using Etcd.Protocol.Etcdserverpb;
using static Etcd.Behaviour.Cases.Requests;

namespace Etcd.Behaviour.Cases;

/// <summary>Leases.</summary>
internal static class LeaseCases
{
    public static IReadOnlyList<Case> List { get; } =
    [
        new("lease ids and times to live", async talk =>
        {
            await talk.AskAsync(
                Grant(7), Grant(7), Grant(7, 5), Grant(8, -1), Grant(9, 0), Grant(10, 1), Grant(11, 2), Grant(12, 9_000_000_000), Grant(13, 9_000_000_001), Grant(7, 9_000_000_001), Grant(14, long.MaxValue),
                Grant(15, long.MinValue), Grant(-11), Grant(long.MaxValue), Grant(long.MinValue), Grant(0), Grant(0, -5), TimeToLive(7), TimeToLive(12), TimeToLive(-11));
        }),
        new("lease keys", async talk =>
        {
            await talk.AskAsync(
                Grant(7), Put("b", "1", 7), Put("a", "1", 7), Put("c", "1", 7), Put("a", "2", 7), TimeToLive(7), TimeToLive(7, keys: true), Delete("b"), Put("c", "without"),
                TimeToLive(7, keys: true), Do(Put("d", "1", 7), Put("e", "1", 7), Delete("a")), TimeToLive(7, keys: true), Revoke(7), All(), TimeToLive(7, keys: true));
        }),
        new("lease that is not there", async talk =>
        {
            await talk.AskAsync(TimeToLive(99), TimeToLive(99, keys: true), TimeToLive(0), Revoke(99), Revoke(0), KeepAlive(99), KeepAlive(0), KeepAlive(-1), Leases());
        }),
        new("lease renewals", async talk =>
        {
            await talk.AskAsync(
                Grant(7), KeepAlive(7), KeepAlive(7), TimeToLive(7), Put("a", "1", 7), KeepAlive(7), Revoke(7), KeepAlive(7), Revoke(7), Grant(7, 500), KeepAlive(7), Get("a"));
        }),
        new("lease revoked with its keys", async talk =>
        {
            await talk.AskAsync(
                Grant(7), Grant(8), Put("c", "1", 7), Put("a", "1", 7), Put("b", "1", 8), Revoke(7), All(), Put("a", "again"), Revoke(8), Revoke(8), All(), Grant(9), Revoke(9), Put("x", "1"));
        }),
        new("leases listed", async talk =>
        {
            await talk.AskAsync(Leases(), Grant(3), Grant(1), Grant(-2), Leases(), Revoke(1), Leases(), Revoke(3), Revoke(-2), Leases());
        }),
        new("leases that end at once", async talk =>
        {
            const int Count = 300;
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("k", "l", r => r.Filters.Add(WatchCreateRequest.Types.FilterType.Noput)));
            await Task.WhenAll(Enumerable.Range(1, Count).Select(async i =>
            {
                await talk.Session.AskAsync(Grant(i, 1));
                await talk.Session.AskAsync(Put($"k{i:d3}", "v", i));
            }));

            // Which ends first is the clock's business; that each ends once is not.
            HashSet<string> gone = await line.KeysOfEventsAsync(Count);
            talk.Note($"{gone.Count} keys are gone");
            await talk.AskAsync(Get("k", "l", r => r.CountOnly = true), Leases(), KeepAlive(1), TimeToLive(Count), Revoke(5));
        }),
        new("lease ids below zero and beyond", async talk =>
        {
            foreach (long id in new[] { -1, long.MinValue, long.MaxValue, 1L << 62 })
            {
                await talk.AskAsync(
                    Put("a", "1", id), Grant(id, 500), Grant(id, 600), Put("a", "1", id), Do(Put("b", "2", id), Get("a", "c")), TimeToLive(id, keys: true), KeepAlive(id), Leases(), Revoke(id), Revoke(id),
                    KeepAlive(id), TimeToLive(id), Get("a", "c", r => r.CountOnly = true));
            }
        }),
        new("lease that has ended, and its id again", async talk =>
        {
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("k", with: r => r.Filters.Add(WatchCreateRequest.Types.FilterType.Noput)));
            await talk.AskAsync(Grant(5, 1), Put("k", "v", 5));
            await line.EventsAsync(1);
            await talk.AskAsync(
                KeepAlive(5), TimeToLive(5), TimeToLive(5, keys: true), Leases(), Put("k", "w", 5), Do(Put("k", "w", 5)), Revoke(5), Grant(5, 500), TimeToLive(5, keys: true), KeepAlive(5),
                Put("k", "again", 5), TimeToLive(5, keys: true), Get("k"), Revoke(5), Get("k"));
        }),
        new("lease whose time is out of bounds in a busy store", async talk =>
        {
            await talk.AskAsync(Put("a", "1"), Grant(5, 9_000_000_001), Grant(5, long.MaxValue), Leases(), Grant(5, 9_000_000_000), Grant(5, 9_000_000_001), Grant(5, -1), Put("a", "2", 5), TimeToLive(5), Revoke(5), Get("a"));
        }),
        new("lease ends with the keys that it has then", async talk =>
        {
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("k", "l", r => r.Filters.Add(WatchCreateRequest.Types.FilterType.Noput)));
            await talk.AskAsync(Grant(5, 1), Put("k1", "v", 5), Put("k2", "v", 5), Put("k3", "v"), Put("k2", "w"));
            await line.EventsAsync(1);
            await talk.AskAsync(Get("k", "l"));
        }),
    ];
}
