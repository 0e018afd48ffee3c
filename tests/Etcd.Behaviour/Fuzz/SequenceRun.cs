using Etcd.Behaviour.Asking;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Mvccpb;
using Grpc.Core;
using Xunit.Sdk;
using static Etcd.Behaviour.Cases.Requests;

namespace Etcd.Behaviour.Fuzz;

/// <summary>
/// Runs a sequence on one server and says what came of each step. Where a server may choose the moment (when a watcher that begins
/// in the past has caught up) the run waits until nothing depends on it. What a watch must get is known from another watch, of
/// everything, so that the run knows when a stream has said all that it has to say, and notices what is missing or too much.
/// </summary>
internal sealed class SequenceRun
{
    // Streams with watches that never count as caught up, and so are never told of progress.
    private const int OddStreams = 100;

    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(40);

    private readonly Session _session;
    private readonly WatchLine _logLine;
    private readonly List<Event> _log = [];
    private readonly SortedDictionary<int, Stream> _streams = [];

    private SequenceRun(Session session)
    {
        _session = session;
        _logLine = session.OpenLine();
    }

    /// <summary>Runs it on a server that nobody else uses.</summary>
    /// <returns>What came of each step, and at the end; a failure is the last line.</returns>
    public static async Task<IReadOnlyList<string>> RunAsync(Asked server, IReadOnlyList<Step> steps, CancellationToken cancellation)
    {
        var said = new List<string>();
        try
        {
            await using Session session = await Session.BeginAsync(server, cancellation);
            var run = new SequenceRun(session);
            await run.BeginAsync();
            foreach (Step step in steps)
            {
                said.Add(await run.RunAsync(step));
            }

            said.Add(await run.EndAsync());
        }
        catch (Exception e) when (e is XunitException or TimeoutException or RpcException or InvalidOperationException)
        {
            said.Add($"failed: {e.Message}");
        }

        return said;
    }

    private async Task BeginAsync()
    {
        await _logLine.CreateAsync(WatchAll(At(1), r => r.PrevKv = true));
        Assert.True((await _logLine.NextAsync()).Created);
    }

    private async Task<string> RunAsync(Step step)
    {
        var said = new List<string>();
        switch (step)
        {
            case Ask { Request: var request }:
                if (request is CompactionRequest)
                {
                    await SettleAsync(said);
                    await SynchronizeAsync(said);
                }

                said.AddRange(Blur(request, await _session.AskAsync(request)));
                break;
            case CreateWatch create:
                await CreateAsync(create, said);
                break;
            case CancelWatch cancel:
                await SettleAsync(said);
                await CancelAsync(cancel, said);
                break;
            case AskProgress progress:
                await SettleAsync(said);
                if (_streams.TryGetValue(progress.Stream, out Stream? stream) && stream.Watches.Count > 0)
                {
                    said.Add($"progress {await ProgressAsync(stream, said)}");
                }

                break;
        }

        return string.Join('\n', said);
    }

    private async Task<string> EndAsync()
    {
        var said = new List<string>();
        await SettleAsync(said);
        await SynchronizeAsync(said);
        said.AddRange((await _session.AskAsync(All())).Lines());
        said.Add(await _session.HashAsync());
        return string.Join('\n', said);
    }

    /// <summary>
    /// Which of several faults a transaction is refused for is a known difference (3.7.1 looks at its operations one after the
    /// other, and at a put's lease first), so where there may be several kinds it only counts that it is refused.
    /// </summary>
    private static IEnumerable<string> Blur(Google.Protobuf.IMessage request, Reply reply)
    {
        bool mayHaveSeveral = request is TxnRequest txn
            && (Operations(txn).Any(o => o.RequestPut is { Lease: not 0, IgnoreValue: true })
                || (Operations(txn).Any(o => o.RequestRange is { Revision: not 0 })
                    && Operations(txn).Any(o => o.RequestPut is { } put && (put.Lease != 0 || put.IgnoreLease || put.IgnoreValue))));
        bool isRefusal = reply.Error is { } error
            && (error.StartsWith("OutOfRange", StringComparison.Ordinal) || error.EndsWith("not found", StringComparison.Ordinal));
        return mayHaveSeveral && isRefusal ? ["error refused"] : reply.Lines();
    }

    private static IEnumerable<RequestOp> Operations(TxnRequest txn) =>
        txn.Success.Concat(txn.Failure).SelectMany(o => o.RequestTxn is { } nested ? Operations(nested).Prepend(o) : [o]);

    private async Task CreateAsync(CreateWatch step, List<string> said)
    {
        long start = step.Request.StartRevision == 0 ? 0 : step.Request.StartRevision - Relative.Origin;
        bool isFuture = start > _session.Revision;
        bool isCompacted = step.Request.StartRevision != 0 && start < _session.Compacted;
        Stream stream = StreamOf(isFuture || isCompacted ? OddStreams + step.Stream : step.Stream);
        long revision = _session.Revision;
        await stream.Line.CreateAsync(step.Request);
        WatchResponse created = await stream.NextAsync(r => r.Created);
        said.Add(Text.Line(created));
        if (created.Canceled)
        {
            return;
        }

        var watch = new Watch(step.Request, step.Request.StartRevision == 0 ? revision + 1 : start) { IsCompacted = isCompacted };
        stream.Watches.Add(created.WatchId, watch);
        stream.IsBehind |= !isFuture && step.Request.StartRevision != 0;
        if (isCompacted)
        {
            said.Add(Text.Line(await stream.NextAsync(r => r.CompactRevision != 0)));
        }
    }

    private async Task CancelAsync(CancelWatch step, List<string> said)
    {
        if (!_streams.TryGetValue(step.Stream, out Stream? stream))
        {
            return;
        }

        await stream.Line.CancelAsync(step.Id);
        if (stream.Watches.Remove(step.Id))
        {
            said.Add(Text.Line(await stream.NextAsync(r => r.Canceled)));
        }
    }

    /// <summary>Waits until every watch has what the log says that it must get, and says what that was.</summary>
    private async Task SettleAsync(List<string> said)
    {
        while (_session.Revision > 0 && (_log.Count == 0 || _log[^1].Kv.ModRevision - Relative.Origin < _session.Revision))
        {
            _log.AddRange((await _logLine.NextAsync()).Events);
        }

        foreach ((int name, Stream stream) in _streams)
        {
            foreach ((long id, Watch watch) in stream.Watches.OrderBy(w => w.Key))
            {
                Event[] expected = [.. _log.Where(watch.Wants)];
                while (watch.Got.Count < expected.Length)
                {
                    await stream.NextAsync(r => r.Events.Count > 0);
                }

                for (int i = watch.Said; i < watch.Got.Count; i++)
                {
                    Assert.True(i < expected.Length, $"watch {id} got more than there is: {watch.Got[i]}");
                    Assert.True(expected[i].Kv.Equals(watch.Got[i].Kv) && expected[i].Type == watch.Got[i].Type, $"watch {id} got {watch.Got[i]} and not {expected[i]}");
                    said.Add($"stream {name} watch {id} {Text.Line(watch.Got[i])}");
                }

                watch.Said = watch.Got.Count;
            }
        }
    }

    /// <summary>Waits until watchers that began in the past have caught up: a compaction would meet them before or after that.</summary>
    private async Task SynchronizeAsync(List<string> said)
    {
        foreach (Stream stream in _streams.Where(s => s.Key < OddStreams && s.Value.IsBehind && s.Value.Watches.Count > 0).Select(s => s.Value))
        {
            await ProgressAsync(stream, said);
        }
    }

    /// <summary>How far a stream is. It is told when all of its watches have caught up, so the question may have to be asked again.</summary>
    private async Task<string> ProgressAsync(Stream stream, List<string> said)
    {
        while (true)
        {
            await stream.Line.AskProgressAsync();
            // Answers to questions that were asked again are still on their way: only one with this revision counts.
            while (await stream.Line.NextAsync(AskAgain) is { } response)
            {
                if (response.WatchId == -1 && response.Header.Revision - Relative.Origin >= _session.Revision)
                {
                    stream.IsBehind = false;
                    return Text.Line(response);
                }

                stream.Take(response);
            }
        }
    }

    private Stream StreamOf(int name)
    {
        if (!_streams.TryGetValue(name, out Stream? stream))
        {
            _streams[name] = stream = new Stream(_session.OpenLine());
        }

        return stream;
    }

    private sealed class Stream(WatchLine line)
    {
        public WatchLine Line => line;

        public Dictionary<long, Watch> Watches { get; } = [];

        /// <summary>Whether a watch may not have caught up yet.</summary>
        public bool IsBehind { get; set; }

        /// <summary>Reads on to such a response; events that come before it are kept.</summary>
        public async Task<WatchResponse> NextAsync(Func<WatchResponse, bool> isIt)
        {
            while (true)
            {
                WatchResponse response = await line.NextAsync();
                Take(response);
                if (isIt(response))
                {
                    return response;
                }
            }
        }

        public void Take(WatchResponse response)
        {
            if (response.Events.Count > 0)
            {
                Watches[response.WatchId].Got.AddRange(response.Events);
            }
        }
    }

    private sealed class Watch(WatchCreateRequest request, long from)
    {
        private readonly byte[] _key = request.Key.IsEmpty ? [0] : request.Key.ToByteArray();
        private readonly byte[] _end = request.RangeEnd.ToByteArray();

        public List<Event> Got { get; } = [];

        public int Said { get; set; }

        public bool IsCompacted { get; init; }

        public bool Wants(Event e)
        {
            ReadOnlySpan<byte> key = e.Kv.Key.Span;
            bool isIn = _end.Length == 0
                ? key.SequenceEqual(_key)
                : key.SequenceCompareTo(_key) >= 0 && (_end is [0] || key.SequenceCompareTo(_end) < 0);
            var filter = e.Type == Event.Types.EventType.Put ? WatchCreateRequest.Types.FilterType.Noput : WatchCreateRequest.Types.FilterType.Nodelete;
            return !IsCompacted && isIn && e.Kv.ModRevision - Relative.Origin >= from && !request.Filters.Contains(filter);
        }
    }
}
