using static Etcd.Behaviour.Cases.Requests;

namespace Etcd.Behaviour.Cases;

/// <summary>Sizes.</summary>
internal static class LimitCases
{
    // What a put takes in the log beside its value, for ids of the usual size: far from either side of the limits below.
    private const int Around = 100;

    public static IReadOnlyList<Case> List { get; } =
    [
        new("request too large for the log", async talk =>
        {
            const int Limit = 2000;
            await talk.AskAsync(
                Put("k", new string('v', Limit - Around)), Put("k", new string('v', Limit)), Put(new string('k', Limit), "v"), Do(Put("k", new string('v', Limit - Around))), Do(Put("k", new string('v', Limit))),
                Do(Put("k", new string('v', Limit / 2)), Put("l", new string('v', Limit / 2))), Delete("a", new string('k', Limit)), Get("a", new string('k', Limit)), All(r => r.CountOnly = true));
        })
        {
            IsTight = true,
        },
        new("request too large to be read", async talk =>
        {
            const int Limit = 2000 + (512 * 1024);
            await talk.AskAsync(Put("k", new string('v', Limit - Around)), Put("k", new string('v', Limit)), Get(new string('k', Limit)), Get("k"));
        })
        {
            IsTight = true,
        },
        new("watch request too large to be read", async talk =>
        {
            const int Limit = 2000 + (512 * 1024);
            Watching line = talk.Watch();
            Watching other = talk.Watch();
            await line.CreateAsync(Watch("a"));
            await other.CreateAsync(Watch("a"));
            await line.CreateUnheardAsync(Watch(new string('k', Limit)));
            await line.EndAsync();
            await talk.AskAsync(Put("a", "1"));
            await other.EventsAsync(1);
        })
        {
            IsTight = true,
        },
        new("other requests too large to be read", async talk =>
        {
            const int Limit = 2000 + (512 * 1024);
            string large = new('k', Limit);
            await talk.AskAsync(
                Delete(large), Delete("a", large), Get("a", large), Do(Get(large)), Do(Put("a", large)), If([Value("a", Protocol.Etcdserverpb.Compare.Types.CompareResult.Equal, large)]),
                Do(Do(Do(Delete(large)))), All());
        })
        {
            IsTight = true,
        },
        new("request of the usual limit", async talk =>
        {
            const int Limit = 1536 * 1024;
            await talk.AskAsync(
                Put("k", new string('v', Limit - Around)), Put("k", new string('v', Limit)), Put("k", new string('v', Limit + (512 * 1024))), Get("k", with: r => r.KeysOnly = true));
        }),
    ];
}
