using Etcd.Interop.Tests.Comparison.Steps;
using Etcd.Protocol.Etcdserverpb;
using static Etcd.Interop.Tests.Comparison.Requests;
using static Etcd.Protocol.Etcdserverpb.WatchCreateRequest.Types;

namespace Etcd.Interop.Tests.Comparison;

internal static partial class CallScenarios
{
    private static IEnumerable<Scenario> Watches() =>
    [
        new("Watch: create and cancel",
        [
            new WatchTalk("ids", async line =>
            {
                await line.CreateAsync(WatchOf("a"));
                await line.CreateAsync(WatchOf("b"));
                await line.CreateAsync(WatchOf("c", r => r.WatchId = 7));
                await line.CreateAsync(WatchOf("d", r => r.WatchId = 7));
                await line.CreateAsync(WatchOf("e", r => r.WatchId = 3));
                await line.CreateAsync(WatchOf("f"));
                await line.CreateAsync(WatchOf("g"));
                await line.CancelAsync(1);
                await line.CancelUnheardAsync(1);
                await line.CancelUnheardAsync(99);
                await line.SendNothingAsync();
                await line.CreateAsync(WatchOf("b"));
                await line.PutAsync("b", "only the new one");
                await line.EventsAsync(1);
                await line.FallSilentAsync();
                await line.PutAsync("b", "still told");
                await line.EventsAsync(1);
            }),
            new WatchTalk("ranges", async line =>
            {
                await line.CreateAsync(WatchOf("b", r => r.RangeEnd = Utf8("b")));
                await line.CreateAsync(WatchOf("b", r => r.RangeEnd = Utf8("a")));
                await line.CreateAsync(WatchOf("y", r => (r.RangeEnd, r.WatchId) = (Utf8("\0"), 20)));
                await line.CreateAsync(WatchOf("", r => r.WatchId = 21));
                await line.PutAsync("x", "1");
                await line.PutAsync("z", "2");
                await line.EventsAsync(1);
                await line.PutAsync("\0", "3");
                await line.EventsAsync(1);
            }),
        ]),
        new("Watch: start revision",
        [
            Put("a", "1"), Put("a", "2"), Put("b", "1"), Delete(DeleteOf("a")),
            new WatchTalk("past, future", async line =>
            {
                await line.CreateAsync(WatchOf("a", r => r.StartRevision = 1));
                await line.EventsAsync(3);
                await line.CreateAsync(WatchOf("a", r => r.StartRevision = 3));
                await line.EventsAsync(2);
                await line.CreateAsync(WatchOf("a", r => r.StartRevision = 5));
                await line.EventsAsync(1);
                await line.CreateAsync(WatchOf("c", r => r.StartRevision = 8));
                await line.PutAsync("c", "unseen");
                await line.PutAsync("c", "unseen");
                await line.PutAsync("c", "seen");
                await line.EventsAsync(1);
            }),
            new WatchTalk("negative", async line =>
            {
                await line.CreateAsync(WatchOf("a", r => r.StartRevision = -1));
                await line.CreateAsync(WatchOf("a"));
            }),
            Compact(6),
            new WatchTalk("compacted", async line =>
            {
                await line.CreateAsync(WatchOf("a", r => r.StartRevision = 5));
                await line.ControlAsync();
                await line.CreateAsync(WatchOf("a", r => (r.StartRevision, r.WatchId) = (2, 9)));
                await line.ControlAsync();
                await line.CreateAsync(WatchOf("c", r => r.StartRevision = 6));
                await line.EventsAsync(3);
            }),
        ]),
        new("Watch: filters and previous values",
        [
            Put("a", "0"),
            new WatchTalk("live", async line =>
            {
                await line.CreateAsync(WatchOf("a", r => r.Filters.Add(FilterType.Noput)));
                await line.PutAsync("a", "1");
                await line.DeleteAsync("a");
                await line.EventsAsync(1);
                await line.CancelAsync(0);
                await line.CreateAsync(WatchOf("a", r => { r.Filters.Add(FilterType.Nodelete); r.PrevKv = true; }));
                await line.PutAsync("a", "2");
                await line.DeleteAsync("a");
                await line.PutAsync("a", "3");
                await line.PutAsync("a", "4");
                await line.EventsAsync(3);
                await line.CancelAsync(1);
                await line.CreateAsync(WatchOf("a", r => r.Filters.Add([FilterType.Nodelete, FilterType.Noput])));
                await line.PutAsync("a", "5");
                await line.DeleteAsync("a");
                await line.ProgressAsync();
            }),
            new WatchTalk("past", async line =>
            {
                await line.CreateAsync(WatchOf("a", r => { r.Filters.Add(FilterType.Noput); r.StartRevision = 2; r.PrevKv = true; }));
                await line.EventsAsync(3);
                await line.CreateAsync(WatchOf("a", r => { r.Filters.Add(FilterType.Nodelete); r.StartRevision = 2; r.PrevKv = true; }));
                await line.EventsAsync(6);
            }),
        ]),
        new("Watch: progress on request",
        [
            Put("a", "0"),
            new WatchTalk("progress", async line =>
            {
                await line.CreateAsync(WatchOf("a"));
                await line.CreateAsync(WatchOf("b"));
                await line.ProgressAsync();
                await line.PutAsync("other", "1");
                await line.ProgressAsync();
                await line.PutAsync("a", "1");
                await line.EventsAsync(1);
                await line.ProgressAsync();
            }),
            new WatchTalk("no progress before the first revision", async line =>
            {
                await line.CreateAsync(WatchOf("a", r => r.StartRevision = 6));
                await line.ProgressOrNotAsync(WatchOf("b"), async () =>
                {
                    await line.PutAsync("a", "unseen");
                    await line.PutAsync("a", "seen");
                });
                await line.ProgressAsync();
            }),
        ]),
        new("Watch: fragments",
        [
            .. Enumerable.Range(0, 7).Select(i => Put($"large{i}", new string('x', 500 + (i * 100)))),
            new WatchTalk("in parts", async line =>
            {
                await line.CreateAsync(WatchOf("large", r => (r.RangeEnd, r.StartRevision, r.Fragment) = (Utf8("largf"), 1, true)));
                await line.FragmentsAsync();
            }),
            new WatchTalk("whole", async line =>
            {
                await line.CreateAsync(WatchOf("large", r => (r.RangeEnd, r.StartRevision) = (Utf8("largf"), 1)));
                await line.FragmentsAsync();
            }),
        ])
        {
            Flags = ["--max-request-bytes=2000"],
        },
    ];

    private static WatchCreateRequest WatchOf(string key, Action<WatchCreateRequest>? with = null)
    {
        var request = new WatchCreateRequest { Key = Utf8(key) };
        with?.Invoke(request);
        return request;
    }
}
