using System.Globalization;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Mvccpb;
using Etcd.TestKit.Linearizability;
using Etcd.TestKit.Processes.Clusters;
using Google.Protobuf;
using Grpc.Core;

namespace Etcd.Interop.Tests.Clusters;

/// <summary>
/// Clients that record what they do to a cluster while a test does it harm, and a watch over the whole run. In the end all that
/// was told must fit together.
/// </summary>
internal sealed class History : IAsyncDisposable
{
    private const int Clients = 12;
    private const int Keys = 8;
    private static readonly TimeSpan AttemptMax = TimeSpan.FromSeconds(3);
    private static readonly ByteString All = ByteString.CopyFrom(0);

    private readonly HistoryRecorder _recorder = new(Keys, AttemptMax);
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _stopWatch = new();
    private readonly ServerCluster _cluster;
    private readonly Task[] _clients;
    private readonly Task _watch;
    private readonly List<Event> _watched = [];
    private readonly int _seed;

    /// <summary>Starts the clients and the watch.</summary>
    public History(ServerCluster cluster)
    {
        _cluster = cluster;
        _seed = int.TryParse(Environment.GetEnvironmentVariable("ETCD_TEST_SEED"), CultureInfo.InvariantCulture, out int seed)
            ? seed
            : Random.Shared.Next();
        KV.KVClient[] members = [.. cluster.Members.Select(m => new KV.KVClient(m.Channel))];
        _clients = [.. Enumerable.Range(0, Clients).Select(i => Task.Run(() => _recorder.RunClientAsync(members[i % members.Length], unchecked(_seed + i), _stop.Token)))];
        _watch = Task.Run(WatchAsync);
    }

    /// <summary>How many calls were answered so far.</summary>
    public int Calls => _recorder.Answered;

    /// <summary>Stops the clients; requires that members are equal, that the watch missed nothing, and that the history is linearizable.</summary>
    public async Task RequireSoundAsync(CancellationToken cancellation)
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_clients);
        await MemberContents.RequireEqualAsync(_cluster, cancellation);
        long last = (await _cluster.Members[0].StatusAsync(cancellation))!.Header.Revision;
        IReadOnlyList<Event> events = await MemberContents.EventsAsync(_cluster.Members[0], last, cancellation);
        foreach (ClusterMember other in _cluster.Members.Skip(1))
        {
            Assert.Equal(events, await MemberContents.EventsAsync(other, last, cancellation));
        }

        await _cluster.WaitUntilAsync($"the watch to tell of revision {last}", () => Task.FromResult(LastWatched() >= last), cancellation);
        await _stopWatch.CancelAsync();
        await _watch;
        Assert.Equal(events, _watched);

        IReadOnlyList<KvOperation> operations = _recorder.Operations;
        int unanswered = operations.Count(o => o.Answer is null);
        string summary = $"seed {_seed}: {operations.Count} calls, {unanswered} unanswered writes, {events.Count} revisions";
        TestContext.Current.SendDiagnosticMessage(summary);
        string? problem = LinearizabilityChecker.Check(operations, [.. events.Select(e => new KvEvent(
            e.Kv.ModRevision, e.Kv.Key.ToStringUtf8(), e.Type == Event.Types.EventType.Put ? e.Kv.Value.ToStringUtf8() : null))]);
        Assert.True(problem is null, $"{summary}\n{problem}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _stopWatch.CancelAsync();
        await Task.WhenAll([.. _clients, _watch]);
        _stop.Dispose();
        _stopWatch.Dispose();
    }

    private long LastWatched()
    {
        lock (_watched)
        {
            return _watched.Count == 0 ? 0 : _watched[^1].Kv.ModRevision;
        }
    }

    /// <summary>Watches one member, and where that breaks off another one from the revision after the last that was told.</summary>
    private async Task WatchAsync()
    {
        for (int i = 0; !_stopWatch.IsCancellationRequested; i++)
        {
            try
            {
                await WatchAsync(_cluster.Members[i % _cluster.Members.Count]);
            }
            catch (RpcException)
            {
                // The member is gone, or the watch is to end.
                await Task.Delay(50, CancellationToken.None);
            }
        }
    }

    private async Task WatchAsync(ClusterMember member)
    {
        using AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call =
            new Watch.WatchClient(member.Channel).Watch(cancellationToken: _stopWatch.Token);
        var create = new WatchCreateRequest { Key = All, RangeEnd = All, StartRevision = LastWatched() + 1 };
        await call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = create }, _stopWatch.Token);
        while (await call.ResponseStream.MoveNext(_stopWatch.Token))
        {
            lock (_watched)
            {
                _watched.AddRange(call.ResponseStream.Current.Events);
            }
        }
    }
}
