using Etcd.Behaviour.Asking;
using Grpc.Core;
using static Etcd.Behaviour.Cases.Requests;
using static Etcd.Protocol.Etcdserverpb.WatchCreateRequest.Types;

namespace Etcd.Behaviour.Cases;

/// <summary>Watches.</summary>
internal static class WatchCases
{
    public static IReadOnlyList<Case> List { get; } =
    [
        new("watch ids and their clashes", async talk =>
        {
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("a"));
            await line.CreateAsync(Watch("b"));
            await line.CreateAsync(Watch("c", with: r => r.WatchId = 7));
            await line.CreateAsync(Watch("d", with: r => r.WatchId = 7));
            await line.CreateAsync(Watch("e", with: r => r.WatchId = 3));
            await line.CreateAsync(Watch("f"));
            await line.CreateAsync(Watch("g"));
            await line.CreateAsync(Watch("h", with: r => r.WatchId = 1));
            await line.CreateAsync(Watch("i", with: r => r.WatchId = -9));
            await line.CreateAsync(Watch("j", with: r => r.WatchId = long.MaxValue));
            await line.CancelAsync(1);
            await line.CancelUnheardAsync(1);
            await line.CancelUnheardAsync(99);
            await line.SendNothingAsync();
            await line.CreateAsync(Watch("b"));
            await line.CreateAsync(Watch("b", with: r => r.WatchId = 1));
            await line.CreateAsync(Watch("b", with: r => r.WatchId = 1));
            await line.CancelAsync(1);
            await line.CancelAsync(5);
            await line.CancelAsync(-9);
            await talk.AskAsync(Put("b", "unseen"), Put("f", "seen"));
            await line.EventsAsync(1);
            await line.FallSilentAsync();
            await talk.AskAsync(Put("f", "still told"));
            await line.EventsAsync(1);
        }),
        new("watch ids of refused watches are free", async talk =>
        {
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("b", "a", r => r.WatchId = 4));
            await line.CreateAsync(Watch("b", with: r => r.WatchId = 4));
            await line.CreateAsync(Watch("b", "b"));
            await line.CreateAsync(Watch("b"));
        }),
        new("watch streams are apart", async talk =>
        {
            Watching one = talk.Watch();
            Watching two = talk.Watch();
            await one.CreateAsync(Watch("a"));
            await two.CreateAsync(Watch("a"));
            await two.CreateAsync(Watch("a", with: r => r.WatchId = 1));
            await one.CreateAsync(Watch("b", with: r => r.WatchId = 1));
            await one.CancelAsync(0);
            await talk.AskAsync(Put("a", "1"), Put("b", "1"));
            await one.EventsAsync(1);
            await two.CancelUnheardAsync(77);
            await two.EventsAsync(2);
        }),
        new("watch ranges", async talk =>
        {
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("b", "b"));
            await line.CreateAsync(Watch("b", "a"));
            await line.CreateAsync(Watch("", "\0\0"));
            await line.CreateAsync(Watch("\0", "\0\0"));
            await line.CreateAsync(Watch("y", "\0", r => r.WatchId = 20));
            await line.CreateAsync(Watch("", with: r => r.WatchId = 21));
            await line.CreateAsync(Watch("b", "d", r => r.WatchId = 22));
            await talk.AskAsync(Put("x", "1"), Put("z", "2"));
            await line.EventsAsync(1);
            await talk.AskAsync(Put("d", "unseen"), Put("c", "3"));
            await line.EventsAsync(1);
            await talk.AskAsync(Put("a", "unseen"), Put("b", "4"));
            await line.EventsAsync(1);
            await line.CancelAsync(0);
            await line.CancelAsync(1);
            await talk.AskAsync(Put("\0", "5"));
            await line.EventsAsync(1);
        }),
        new("watch of everything by an empty key", async talk =>
        {
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("", "\0"));
            await talk.AskAsync(Put("\0", "1"), Put("a", "2"), Put("\xff", "3"), Delete("\0", "\0"));
            await line.EventsAsync(6);
        }),
        new("watch from the past", async talk =>
        {
            await talk.AskAsync(Put("a", "1"), Put("a", "2"), Put("b", "1"), Delete("a"), Do(Put("a", "3"), Put("b", "2"), Delete("c")), Do(Delete("a", "c")));
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("a", with: r => r.StartRevision = At(1)));
            await line.EventsAsync(5);
            await line.CreateAsync(Watch("a", with: r => r.StartRevision = At(3)));
            await line.EventsAsync(3);
            await line.CreateAsync(Watch("a", "c", r => r.StartRevision = At(4)));
            await line.EventsAsync(5);
            await line.CreateAsync(Watch("a", "c", r => r.StartRevision = At(6)));
            await line.EventsAsync(2);
            await line.CreateAsync(Watch("x", with: r => r.StartRevision = At(1)));
            await line.CreateAsync(Watch("a", "c", r => (r.StartRevision, r.PrevKv) = (At(1), true)));
            await line.EventsAsync(8);
        }),
        new("watch from the future", async talk =>
        {
            await talk.AskAsync(Put("a", "1"));
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("a", with: r => r.StartRevision = At(2)));
            await line.CreateAsync(Watch("a", with: r => r.StartRevision = At(4)));
            await line.CreateAsync(Watch("b", with: r => r.StartRevision = long.MaxValue));
            await talk.AskAsync(Put("a", "2"), Put("b", "unseen"));
            await line.EventsAsync(1);
            await talk.AskAsync(Delete("b"));
            await line.CancelAsync(0);
            await talk.AskAsync(Put("a", "3"));
            await line.EventsAsync(1);
            await line.CancelAsync(2);
        }),
        new("watch from the revision after the current one", async talk =>
        {
            await talk.AskAsync(Put("a", "1"));
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("a", with: r => r.StartRevision = At(1)));
            await line.EventsAsync(1);
            await line.CreateAsync(Watch("a", with: r => r.StartRevision = At(2)));
            await line.CancelAsync(0);
            await talk.AskAsync(Put("a", "2"));
            await line.EventsAsync(1);
        }),
        new("watch from a negative revision", async talk =>
        {
            await talk.AskAsync(Put("a", "1"));
            await talk.Watch().CreateAsync(Watch("a", with: r => r.StartRevision = -1));
            await talk.Watch().CreateAsync(Watch("a", with: r => (r.StartRevision, r.WatchId) = (long.MinValue, 9)));
        })
        {
            Shows = [KnownDifferences.NegativeWatchIsRefused],
        },
        new("watch of what is compacted", async talk =>
        {
            await talk.AskAsync(Put("a", "1"), Put("a", "2"), Delete("a"), Put("a", "3"), Put("b", "1"), Compact(At(3)));
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("a", with: r => r.StartRevision = At(2)));
            await line.ControlAsync();
            await line.CreateAsync(Watch("a", with: r => (r.StartRevision, r.WatchId) = (1, 9)));
            await line.ControlAsync();
            await line.CreateAsync(Watch("a", with: r => (r.StartRevision, r.WatchId) = (At(1), 9)));
            await line.CreateAsync(Watch("a", with: r => r.StartRevision = At(4)));
            await line.EventsAsync(1);
            await line.CancelAsync(9);
            await line.CreateAsync(Watch("a", with: r => (r.StartRevision, r.WatchId) = (At(1), 9)));
            await line.ControlAsync();
            await line.CancelAsync(0);
            await talk.AskAsync(Put("a", "4"));
            await line.EventsAsync(1);
        }),
        new("watch from the revision of a compaction", async talk =>
        {
            await talk.AskAsync(Put("a", "1"), Put("a", "2"), Delete("a"), Put("b", "1"), Compact(At(3), physical: true));
            Watching line = talk.Watch();
            await line.CreateAsync(WatchAll(At(3), r => r.PrevKv = true));
            await line.EventsAsync(2);
            await line.CreateAsync(WatchAll(At(4), r => r.PrevKv = true));
            await line.EventsAsync(1);
        }),
        new("watch goes on when its past is compacted", async talk =>
        {
            await talk.AskAsync(Put("a", "1"));
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("a", with: r => (r.StartRevision, r.PrevKv) = (At(1), true)));
            await line.EventsAsync(1);
            await talk.AskAsync(Put("a", "2"));
            await line.EventsAsync(1);
            await talk.AskAsync(Compact(At(2), physical: true), Put("a", "3"));
            await line.EventsAsync(1);
            await talk.AskAsync(Delete("a"), Put("a", "4"));
            await line.EventsAsync(2);
        }),
        new("watch previous values that are compacted", async talk =>
        {
            await talk.AskAsync(Put("a", "1"), Put("a", "2"), Put("a", "3"), Delete("a"), Compact(At(3), physical: true));
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("a", with: r => (r.StartRevision, r.PrevKv) = (At(3), true)));
            await line.EventsAsync(2);
        }),
        new("watch previous values that are compacted and were told before", async talk =>
        {
            Watching earlier = talk.Watch();
            await earlier.CreateAsync(Watch("a", with: r => r.PrevKv = true));
            await talk.AskAsync(Put("a", "1"), Put("a", "2"), Put("a", "3"));
            await earlier.EventsAsync(3);
            await talk.AskAsync(Compact(At(2), physical: true));
            Watching later = talk.Watch();
            await later.CreateAsync(Watch("a", with: r => (r.StartRevision, r.PrevKv) = (At(2), true)));
            await later.EventsAsync(2);
        }),
        new("watch filters and previous values", async talk =>
        {
            await talk.AskAsync(Put("a", "0"));
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("a", with: r => r.Filters.Add(FilterType.Noput)));
            await talk.AskAsync(Put("a", "1"), Delete("a"));
            await line.EventsAsync(1);
            await line.CancelAsync(0);
            await line.CreateAsync(Watch("a", with: r => { r.Filters.Add(FilterType.Nodelete); r.PrevKv = true; }));
            await talk.AskAsync(Put("a", "2"), Delete("a"), Put("a", "3"), Put("a", "4"));
            await line.EventsAsync(3);
            await line.CancelAsync(1);
            await line.CreateAsync(Watch("a", with: r => r.Filters.Add([FilterType.Nodelete, FilterType.Noput])));
            await talk.AskAsync(Put("a", "5"), Delete("a"));
            await line.ProgressAsync();
            await line.CreateAsync(Watch("a", with: r => r.Filters.Add((FilterType)9)));
            await line.CreateAsync(Watch("a", with: r => r.Filters.Add([FilterType.Noput, FilterType.Noput])));
            await line.CancelAsync(2);
            await line.CancelAsync(4);
            await talk.AskAsync(Put("a", "6"));
            await line.EventsAsync(1);
            Watching past = talk.Watch();
            await past.CreateAsync(Watch("a", with: r => { r.Filters.Add(FilterType.Noput); r.StartRevision = At(1); r.PrevKv = true; }));
            await past.EventsAsync(3);
            await past.CreateAsync(Watch("a", with: r => { r.Filters.Add(FilterType.Nodelete); r.StartRevision = At(1); r.PrevKv = true; }));
            await past.EventsAsync(7);
        }),
        new("watch the events of one transaction", async talk =>
        {
            await talk.AskAsync(Put("b", "0"), Put("d", "0"));
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("a", "z", r => r.PrevKv = true));
            await talk.AskAsync(Do(Put("c", "1"), Put("a", "1"), Delete("b", "c"), Do(Put("e", "1"), Delete("d"))), Do(Delete("x")), Delete("a", "z"));
            await line.EventsAsync(8);
        }),
        new("watch the end of a lease", async talk =>
        {
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("a", "z", r => r.PrevKv = true));
            await talk.AskAsync(Grant(5), Put("c", "1", 5), Put("a", "1", 5), Put("b", "1", 5), Revoke(5));
            await line.EventsAsync(6);
        }),
        new("watch progress on request", async talk =>
        {
            await talk.AskAsync(Put("a", "0"));
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("a"));
            await line.CreateAsync(Watch("b"));
            await line.ProgressAsync();
            await talk.AskAsync(Put("other", "1"));
            await line.ProgressAsync();
            await talk.AskAsync(Put("a", "1"));
            await line.EventsAsync(1);
            await line.ProgressAsync();
            await line.ProgressAsync();
        }),
        new("watch progress without a watch", async talk =>
        {
            Watching line = talk.Watch();
            await line.ProgressUnheardAsync();
            await line.CreateAsync(Watch("a"));
            await talk.AskAsync(Put("a", "1"));
            await line.EventsAsync(1);
            await line.CancelAsync(0);
            await line.ProgressUnheardAsync();
            await line.CreateAsync(Watch("a"));
            await talk.AskAsync(Put("a", "2"));
            await line.EventsAsync(1);
        }),
        new("watch progress before the first revision", async talk =>
        {
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("a", with: r => r.StartRevision = At(2)));
            await line.ProgressOrNotAsync(
                Watch("b"), () => talk.AskAsync(Put("a", "unseen"), Put("a", "seen")), KnownDifferences.NoProgressBeforeStart);
            await line.ProgressAsync();
        })
        {
            Shows = [KnownDifferences.NoProgressBeforeStart],
        },
        new("watch progress from time to time", async talk =>
        {
            await talk.AskAsync(Put("a", "0"));
            Watching line = talk.Watch();
            await line.CreateAsync(Watch("a", with: r => r.ProgressNotify = true));
            await line.ProgressUntilAsync(At(1));
            await talk.AskAsync(Put("b", "0"), Put("b", "1"));
            await line.ProgressUntilAsync(At(3));
            await talk.AskAsync(Put("b", "2"));
            await line.ProgressUntilAsync(At(4));
        })
        {
            IsTight = true,
        },
        new("watch progress is not told where nobody asked for it", async talk =>
        {
            Watching quiet = talk.Watch();
            Watching line = talk.Watch();
            await quiet.CreateAsync(Watch("a"));
            await line.CreateAsync(Watch("a", with: r => r.ProgressNotify = true));
            await talk.AskAsync(Put("b", "0"));
            await line.ProgressUntilAsync(At(1));
            await talk.AskAsync(Put("b", "1"));
            await line.ProgressUntilAsync(At(2));
            await talk.AskAsync(Put("a", "1"));
            await quiet.EventsAsync(1);
        })
        {
            IsTight = true,
        },
        new("watch in fragments", async talk =>
        {
            // The limit is the request's and 512 KiB more.
            await talk.AskAsync(Grant(5));
            await Task.WhenAll(Enumerable.Range(0, 400).Select(i => talk.Session.AskAsync(Put($"large{i:d3}", new string('x', 1800), 5))));
            await talk.AskAsync(Revoke(5));
            for (int i = 0; i < 3; i++)
            {
                await talk.Session.AskAsync(Put($"small{i}", new string('x', 100)));
            }

            Watching line = talk.Watch();
            await line.CreateAsync(Watch("large", "largf", r => (r.StartRevision, r.Fragment, r.PrevKv) = (At(401), true, true)));
            await line.FragmentsAsync();
            await line.CreateAsync(Watch("large", "largf", r => (r.StartRevision, r.PrevKv) = (At(401), true)));
            await line.FragmentsAsync();
            await line.CreateAsync(Watch("large", "largf", r => (r.StartRevision, r.Fragment) = (At(401), true)));
            await line.FragmentsAsync();
        })
        {
            IsTight = true,
        },
        new("watch with a leader required", async talk =>
        {
            Watching line = talk.Watch(new Metadata { { "hasleader", "true" } });
            await line.CreateAsync(Watch("a"));
            await talk.AskAsync(Put("a", "1"));
            await line.EventsAsync(1);
        }),
        new("watch many on one stream", async talk =>
        {
            await talk.AskAsync(Put("a", "1"), Put("a", "2"));
            Watching line = talk.Watch();
            for (int i = 0; i < 200; i++)
            {
                await line.CreateAsync(Watch("a", with: r => r.WatchId = i * 3));
            }

            await line.CancelAsync(300);
            await line.CreateAsync(Watch("b"));
            await line.ProgressAsync();
        }),
    ];
}
