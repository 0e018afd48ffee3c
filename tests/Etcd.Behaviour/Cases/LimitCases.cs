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
        new("request of the usual limit", async talk =>
        {
            const int Limit = 1536 * 1024;
            await talk.AskAsync(
                Put("k", new string('v', Limit - Around)), Put("k", new string('v', Limit)), Put("k", new string('v', Limit + (512 * 1024))), Get("k", with: r => r.KeysOnly = true));
        }),
    ];
}
