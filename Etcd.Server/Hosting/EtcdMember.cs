using Etcd.Protocol.Errors;
using Etcd.Protocol.Membershippb;
using Etcd.Server.Api;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Snapshots;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Io;
using Etcd.Server.Lease;
using Etcd.Server.Membership;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Storage;
using Etcd.Server.Watch;
using Google.Protobuf;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting;

/// <summary>
/// One running member: the rooms put together, and the threads that run them (docs/ARCHITECTURE.md, Threads).
/// <see cref="Start"/> recovers and begins; <see cref="Started"/> completes when the member serves; <see cref="Dispose"/>
/// ends it. What was acknowledged is durable at every moment, so ending it at any point loses nothing.
/// </summary>
internal sealed class EtcdMember : IMemberStatus, IReads, IWatchesAndLeases, IDisposable
{
    // etcd's readIndexRetryTime.
    private const int ReadRetryMilliseconds = 500;

    private readonly ServerOptions _options;
    private readonly ILogger _log;
    private readonly TimeProvider _clock;
    private readonly RecoveredMember _recovered;
    private readonly LogIndex _recoveredThrough;
    private readonly ClusterState _cluster;
    private readonly StateMachine _machine;
    private readonly MemberNode _node;
    private readonly WorkerThread _logThread;
    private readonly WorkerThread _applyThread;
    private readonly WorkerThread? _watchThread;
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopping = new();
    private ITimer? _ticker;
    private int _disposed;

    /// <summary>Opens the member's folder and puts the rooms together. Nothing runs yet.</summary>
    /// <param name="options">Who and where.</param>
    /// <param name="files">The disk.</param>
    /// <param name="clock">The time.</param>
    /// <param name="log">Where its life is told.</param>
    /// <exception cref="Wal.WalException">The log is damaged, or in use by another process.</exception>
    public EtcdMember(ServerOptions options, IFileSystem files, TimeProvider clock, ILogger log)
    {
        _options = options;
        _log = log;
        _clock = clock;
        RecoveredMember recovered = MemberRecovery.Open(files, Folders(options), Birth(options), WalOptions(options));
        _recoveredThrough = recovered.Log.Applied + (ulong)recovered.Log.Entries.Count;
        _cluster = new ClusterState(recovered.ClusterId);
        Ids = new RequestIds(recovered.Id, clock.GetUtcNow());
        Leases = new LeaseManager(clock, LeaseOptions(options));
        Store = new MvccStore();
        Watches = new WatchHub(Store, clock, () => _watchThread?.Wake(), WatchOptions(options));
        Store.ConnectSink(Watches);
        _machine = new StateMachine(Store, Leases, _cluster);
        recovered.InstallInto(_machine);
        _node = new MemberNode(new MemberParts
        {
            Raft = new RaftNode(RaftOptions(options, recovered.Id), recovered.Log),
            AppliedTerm = recovered.Log.Snapshot?.Term ?? default,
            Log = new WalLogStore(recovered.Wal),
            Snapshots = new SnapshotStore(recovered.Snapshots),
            Machine = _machine,
            State = _machine,
            Cluster = _cluster,
            Leases = Leases,
            Peers = new NoPeers(),
            Completions = new ThreadPoolCompletions(),
            Ids = Ids,
            Clock = clock,
            Options = NodeOptions(options),
        });
        // The entries are for the recovery only: kept here, they would keep the whole log in memory.
        _recovered = recovered with { Log = recovered.Log with { Entries = [] } };
        _logThread = new WorkerThread("etcd-log", _node.RunLogOnce);
        _applyThread = new WorkerThread("etcd-apply", _node.RunApplyOnce);
        _watchThread = new WorkerThread("etcd-watch", RunWatches);
        _node.LogWork = _logThread.Wake;
        _node.ApplyWork = _applyThread.Wake;
        _node.LeaseRevokeFailed = (lease, error) => HostingLog.LeaseRevokeFailed(_log, lease.ToString(), error.Text);
    }

    /// <summary>Ids of requests and leases.</summary>
    public RequestIds Ids { get; }

    /// <inheritdoc/>
    public MemberId MemberId => _recovered.Id;

    /// <inheritdoc/>
    public ulong ClusterId => _recovered.ClusterId;

    /// <inheritdoc/>
    public Term Term => _node.Term;

    /// <inheritdoc/>
    public MemberId Leader => _node.Leader;

    /// <inheritdoc/>
    public LogIndex Committed => _node.Committed;

    /// <inheritdoc/>
    public LogIndex Applied => _node.Applied;

    /// <inheritdoc/>
    public long Revision => Store.CurrentRevision;

    /// <inheritdoc/>
    public long StoreBytes => Store.SizeBytes;

    /// <inheritdoc/>
    public long StoreBytesInUse => Store.SizeInUseBytes;

    /// <inheritdoc/>
    public IReadOnlyList<Membership.Member> Members => _cluster.Current.Members;

    /// <inheritdoc/>
    public string? ClusterVersion => _cluster.Current.Version;

    /// <inheritdoc/>
    public string ServerVersion => _options.ClaimedVersion.Server;

    /// <inheritdoc/>
    public Task Started => _started.Task;

    /// <summary>Faults when the member cannot go on; see <see cref="MemberNode.Failed"/>.</summary>
    public Task Failed => _node.Failed;

    /// <summary>Completes when this member was removed from the cluster; see <see cref="MemberNode.Removed"/>.</summary>
    public Task Removed => _node.Removed;

    /// <inheritdoc/>
    public MvccStore Store { get; }

    /// <inheritdoc/>
    public WatchHub Watches { get; }

    /// <inheritdoc/>
    public LeaseManager Leases { get; }

    /// <summary>What the services stand on.</summary>
    public ApiContext Api => new(this, _node, this, this, Ids, new ApiOptions
    {
        MaxTxnOps = _options.MaxTxnOps,
        MaxRequestBytes = _options.MaxRequestBytes,
        RequestTimeout = RequestTimeout(_options),
    }, _stopping.Token);

    /// <inheritdoc/>
    public ValueTask LinearizeAsync(CancellationToken cancellation) => _node.LinearizeAsync(cancellation);

    /// <inheritdoc/>
    public async Task<StateExport> ExportAsync() => (StateExport)await _node.ExportAsync().ConfigureAwait(false);

    /// <inheritdoc/>
    public Task WhenCompactedAsync(long revision) => _machine.CompactionProgress.WhenFinished(revision);

    /// <summary>Starts the threads, becomes leader, applies what the log holds, and makes itself known.</summary>
    public void Start()
    {
        TellWhoWeAre();
        _applyThread.Start();
        _watchThread!.Start();
        _logThread.Start();
        _node.Start();
        TimeSpan tick = TimeSpan.FromMilliseconds(_options.HeartbeatMilliseconds);
        _ticker = _clock.CreateTimer(_ => _node.Tick(), null, tick, tick);
        _ = PublishAsync();
    }

    /// <summary>Streams end from now on; what is under way is still answered. <see cref="Dispose"/> follows.</summary>
    public void BeginStop() => _stopping.Cancel();

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _stopping.Cancel();
        _ticker?.Dispose();
        _node.Stop();
        _logThread.Dispose();
        _applyThread.Dispose();
        _watchThread!.Dispose();
        _started.TrySetException(EtcdErrors.Stopped.ToException());
        _ = _started.Task.Exception;
        _recovered.Wal.Dispose();
        _stopping.Dispose();
    }

    private static TimeSpan RequestTimeout(ServerOptions options) => TimeSpan.FromMilliseconds(5000 + (2 * options.ElectionMilliseconds));

    private static MemberFolders Folders(ServerOptions options) =>
        new(options.EffectiveWalDir, Path.Combine(Path.GetFullPath(options.EffectiveDataDir), "member", "snap"));

    private static MemberBirth Birth(ServerOptions options)
    {
        string[] peerUrls = [.. options.InitialAdvertisePeerUrls.Select(u => u.Text)];
        MemberId id = ClusterIds.ForMember(peerUrls, options.InitialClusterToken);
        return new MemberBirth(
            id, ClusterIds.ForCluster([id]), [new Membership.Member(id, peerUrls, IsLearner: false, options.Name, ClientUrls: [])]);
    }

    private static Wal.WalOptions WalOptions(ServerOptions options) =>
        new() { SyncMode = options.UnsafeNoFsync ? Wal.SyncMode.None : Wal.SyncMode.Full };

    private static RaftOptions RaftOptions(ServerOptions options, MemberId id)
    {
        // Members must differ in it, and it need not be a secret.
        var random = new Random(unchecked((int)(id.Value ^ (id.Value >> 32))));
        return new RaftOptions
        {
            Id = id,
            ElectionTicks = options.ElectionMilliseconds / options.HeartbeatMilliseconds,
            Random = random.Next,
        };
    }

    private static NodeOptions NodeOptions(ServerOptions options) => new()
    {
        RequestBytesMax = options.MaxRequestBytes,
        RequestTimeout = RequestTimeout(options),
        ElectionTimeout = TimeSpan.FromMilliseconds(options.ElectionMilliseconds),
        ReadRetryTicks = Math.Max(1, ReadRetryMilliseconds / options.HeartbeatMilliseconds),
    };

    private static LeaseOptions LeaseOptions(ServerOptions options) => new()
    {
        TtlSecondsMin = Lease.LeaseOptions.MinimumTtl(options.ElectionMilliseconds, options.HeartbeatMilliseconds),
        RevokeRetry = RequestTimeout(options),
    };

    private static WatchHubOptions WatchOptions(ServerOptions options) => new()
    {
        ProgressInterval = options.WatchProgressNotifyInterval,
        FragmentBytesMax = options.MaxRequestBytes + Limits.GrpcOverheadBytes,
    };

    private void TellWhoWeAre()
    {
        if (_recovered.Repair is { } repair)
        {
            HostingLog.Repaired(_log, repair.File, repair.Offset, repair.Backup);
        }

        string cluster = ClusterId.ToString("x", System.Globalization.CultureInfo.InvariantCulture);
        if (_recovered.IsNew)
        {
            HostingLog.LocalMember(_log, MemberId.ToString(), cluster);
        }
        else
        {
            HostingLog.Restarting(_log, cluster, MemberId.ToString(), _recovered.Log.HardState.Commit.Value);
        }
    }

    private async Task PublishAsync()
    {
        try
        {
            // The term's first entry commits all that is before it: when it is applied, so is the whole recovered log.
            await _node.WhenApplied(_recoveredThrough.Next).ConfigureAwait(false);
            HostingLog.BecameLeader(_log, MemberId.ToString(), Term.Value);
            HostingLog.ElectedLeader(_log, Leader.ToString(), Term.Value);
            await PublishAttributesAsync().ConfigureAwait(false);
            await AgreeOnVersionAsync().ConfigureAwait(false);
            HostingLog.Ready(_log);
            _started.TrySetResult();
        }
        catch (Exception e)
        {
            _started.TrySetException(e);
        }
    }

    private async Task PublishAttributesAsync()
    {
        string[] clientUrls = [.. _options.AdvertiseClientUrls.Select(u => u.Text)];
        var request = new ClusterMemberAttrSetRequest
        {
            MemberID = MemberId.Value,
            MemberAttributes = new Attributes { Name = _options.Name },
        };
        request.MemberAttributes.ClientUrls.AddRange(clientUrls);
        await ProposeUntilAppliedAsync(RaftCommandKind.ClusterMemberAttrSet, request).ConfigureAwait(false);
        HostingLog.Published(
            _log, MemberId.ToString(), _options.Name, clientUrls, ClusterId.ToString("x", System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>Alone, a member agrees with itself; a cluster never goes back to an older version by itself.</summary>
    private async Task AgreeOnVersionAsync()
    {
        if (ClusterVersion is { } known && Version.Parse(known) >= Version.Parse(_options.ClaimedVersion.Cluster))
        {
            return;
        }

        var request = new ClusterVersionSetRequest { Ver = _options.ClaimedVersion.Cluster };
        await ProposeUntilAppliedAsync(RaftCommandKind.ClusterVersionSet, request).ConfigureAwait(false);
        HostingLog.ClusterVersionSet(
            _log, ClusterId.ToString("x", System.Globalization.CultureInfo.InvariantCulture), _options.ClaimedVersion.Cluster);
    }

    /// <summary>For commands that may be applied twice: a disk that stalls at the start delays the member and does not end it.</summary>
    private async Task ProposeUntilAppliedAsync(RaftCommandKind kind, IMessage request)
    {
        while (true)
        {
            try
            {
                await _node.ProposeAsync(RaftCommand.Create(kind, request.ToByteArray())).ConfigureAwait(false);
                return;
            }
            catch (EtcdErrorException e) when (e.Error == EtcdErrors.Timeout)
            {
                HostingLog.StartCommandTimedOut(_log, kind.ToString());
            }
        }
    }

    private TimeSpan RunWatches()
    {
        try
        {
            return Watches.RunOnce();
        }
        catch (Exception e)
        {
            _node.Fail(e);
            return Timeout.InfiniteTimeSpan;
        }
    }
}
