using Etcd.Protocol.Errors;
using Etcd.Protocol.Membershippb;
using Etcd.Server.Api;
using Etcd.Server.Api.Authentication;
using Etcd.Server.Api.Metrics;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Snapshots;
using Etcd.Server.Apply.Space;
using Etcd.Server.Auth;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Hosting.Members;
using Etcd.Server.Hosting.Peers;
using Etcd.Server.Hosting.Upkeep;
using Etcd.Server.Io;
using Etcd.Server.Lease;
using Etcd.Server.Membership;
using Etcd.Server.Node;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;
using Etcd.Server.Watch;
using Google.Protobuf;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting;

/// <summary>
/// One running member: the rooms put together, and the threads that run them (docs/ARCHITECTURE.md, Threads).
/// <see cref="Start"/> begins; <see cref="Started"/> completes when the cluster knows the member; <see cref="DisposeAsync"/>
/// ends it. What was acknowledged is durable at every moment, so ending it at any point loses nothing.
/// </summary>
internal sealed class EtcdMember : IMemberStatus, IReads, IWatchesAndLeases, IAsyncDisposable
{
    /// <summary>What a member says that was taken out of its cluster.</summary>
    public const string RemovedText = "the member has been permanently removed from the cluster";

    // etcd's readIndexRetryTime.
    private const int ReadRetryMilliseconds = 500;

    // How long the others are waited for before the first election is not hastened any more (rafthttp's read timeout).
    private const int AdvanceMilliseconds = 5000;

    // etcd advances all of an election timeout but this much.
    private const int TicksLeftToWait = 2;

    // An election that a first attempt does not decide takes two of them.
    private const int ElectionTimeoutsToLeave = 4;

    private static readonly TimeSpan PublishTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan HandOverTimeout = TimeSpan.FromMilliseconds(500);

    private readonly ServerOptions _options;
    private readonly ILogger _log;
    private readonly TimeProvider _clock;
    private readonly RecoveredMember _recovered;
    private readonly ClusterState _cluster;
    private readonly StateMachine _machine;
    private readonly PeerTransport _peers;
    private readonly MemberNode _node;
    private readonly MemberChanges _changes;
    private readonly LeaseDesk _leaseDesk;
    private readonly LeadershipWatch _leadership;
    private readonly Downgrades _downgrades;
    private readonly VersionMonitor _versions;
    private readonly MemberAlarms _alarms;
    private readonly MemberUpkeep _upkeep;
    private readonly MemberFigures _figures;
    private readonly CallerAuth _auth;
    private readonly WorkerThread _logThread;
    private readonly WorkerThread _applyThread;
    private readonly WorkerThread? _watchThread;
    private readonly WorkerThread _storeThread;
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _serving = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _removed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopping = new();
    private Task _monitoring = Task.CompletedTask;
    private ITimer? _ticker;
    private int _ticksToAdvance;
    private int _peersReached;
    private bool _keptLeases;
    private int _disposed;

    /// <summary>Opens the member's folder and puts the rooms together. Nothing runs yet.</summary>
    /// <param name="options">Who and where.</param>
    /// <param name="files">The disk.</param>
    /// <param name="clock">The time.</param>
    /// <param name="log">Where its life is told.</param>
    /// <param name="birth">How it begins if it has no data; null for what the flags say, with nobody asked.</param>
    /// <exception cref="Wal.WalException">The log is damaged, or in use by another process.</exception>
    /// <exception cref="ClusterStartException">The flags do not go together.</exception>
    public EtcdMember(ServerOptions options, IFileSystem files, TimeProvider clock, ILogger log, ClusterBirth? birth = null)
    {
        _options = options;
        _log = log;
        _clock = clock;
        birth ??= ClusterBirth.New(options);
        var wal = new Wal.WalFigures(clock);
        RecoveredMember recovered = MemberRecovery.Open(files, Folders(options), birth.Birth, WalOptions(options, wal), options.ForceNewCluster);
        _cluster = new ClusterState(recovered.ClusterId);
        Ids = new RequestIds(recovered.Id, clock.GetUtcNow());
        Leases = new LeaseManager(clock, LeaseOptions(options));
        Store = new MvccStore(recovered.Store);
        Watches = new WatchHub(Store, clock, () => _watchThread?.Wake(), WatchOptions(options));
        Store.ConnectSink(Watches);
        var quota = new SpaceQuota(Store, options.QuotaBackendBytes);
        var auth = new AuthStore(AuthSettings.Tokens(options, clock, recovered.Log.HardState.Commit, log));
        _machine = new StateMachine(Store, Leases, _cluster, options.MaxLearners, quota, auth)
        {
            Checkpoints = new CheckpointOptions { Entries = options.SnapshotCount },
        };
        _peers = new PeerTransport(TransportOptions(recovered), files, clock, log);
        StoreException? damage = recovered.InstallInto(_machine);
        _node = new MemberNode(new MemberParts
        {
            Raft = new RaftNode(RaftOptions(options, recovered.Id), recovered.Log),
            AppliedTerm = recovered.Log.Snapshot?.Term ?? default,
            Damage = damage,
            Log = new WalLogStore(recovered.Wal),
            Snapshots = new SnapshotStore(recovered.Snapshots),
            Machine = _machine,
            State = _machine,
            Cluster = _cluster,
            Leases = Leases,
            Auth = auth,
            Peers = _peers,
            KnownPeers = birth.KnownPeers,
            Completions = new ThreadPoolCompletions(),
            Ids = Ids,
            Clock = clock,
            Options = NodeOptions(options),
        });
        _figures = new MemberFigures
        {
            Node = _node.Figures,
            Store = _machine.Figures,
            Wal = wal,
            Peers = _peers.Metrics,
            Grpc = new GrpcFigures(options.Metrics == MetricsDetail.Extensive),
            PendingProposals = () => _node.PendingProposals,
            Features = FeatureGates.Figures(options),
        };
        var leader = new LeaderCalls(_node, _cluster, clock, RequestTimeout(options));
        _changes = new MemberChanges(
            _node, _cluster, recovered.Id, _peers, _peers.Calls, leader, options.StrictReconfigCheck, clock, log);
        _leaseDesk = new LeaseDesk(_node, Leases, _peers.Calls, leader);
        _leadership = new LeadershipWatch(
            _node, recovered.Id, _cluster, TimeSpan.FromMilliseconds(options.HeartbeatMilliseconds), ElectionTicks(options), clock, log);
        _downgrades = new Downgrades(_node, _cluster, log);
        _versions = new VersionMonitor(
            _node, _cluster, recovered.Id, options.ClaimedVersion, _downgrades, options.DowngradeCheckTime, _peers.Calls, clock, log);
        _alarms = new MemberAlarms(_node, recovered.Id, _machine.Alarms, quota);
        _upkeep = new MemberUpkeep(
            options, _node, recovered.Id, _cluster, Store, _machine, quota, _peers, _peers.Calls, recovered.Store, files,
            Folders(options).Snapshots, _figures.Integrity, RequestTimeout(options), clock, log);
        if (damage is not null)
        {
            Store.ReportDamage(damage);
        }

        _auth = new CallerAuth(auth, this, this, AuthSettings.Callers(options, log), log);
        PeerServices = new PeerServices(_node, _cluster, Store, _leaseDesk, _changes, _auth, clock);
        // The entries are for the recovery only: kept here, they would keep the whole log in memory.
        _recovered = recovered with { Log = recovered.Log with { Entries = [] } };
        _logThread = new WorkerThread("etcd-log", _node.RunLogOnce);
        _applyThread = new WorkerThread("etcd-apply", _node.RunApplyOnce);
        _watchThread = new WorkerThread("etcd-watch", RunWatches);
        _storeThread = new WorkerThread("etcd-store", RunStore);
        var release = new LogRelease(files, recovered.Wal, options.MaxWals);
        Store.DiskWork = _storeThread.Wake;
        _machine.DiskFull = () => HostingLog.DiskFull(_log, recovered.Store.FolderPath);
        _node.DiskFull = () => HostingLog.DiskFull(_log, recovered.Snapshots.Directory);
        Store.CheckpointDurable = mark => release.OnCheckpoint(mark.Index, _node);
        _node.LogWork = _logThread.Wake;
        _node.ApplyWork = _applyThread.Wake;
        _node.LeaseRevokeFailed = (lease, error) => HostingLog.LeaseRevokeFailed(_log, lease.ToString(), error.Text);
    }

    /// <summary>Ids of requests and leases.</summary>
    public RequestIds Ids { get; }

    /// <summary>The way to the other members, for the peer port.</summary>
    public PeerTransport Peers => _peers;

    /// <summary>What other members may ask, for the peer port.</summary>
    public IPeerServices PeerServices { get; }

    /// <summary>
    /// Completes when clients are served: with <see cref="Started"/>, or without a quorum when it has been waited for long enough,
    /// because this member can still serve what it can alone.
    /// </summary>
    public Task Serving => _serving.Task;

    /// <summary>Completes when this member was taken out of its cluster: it is to stop, for good.</summary>
    public Task Removed => _removed.Task;

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
    public bool IsLearner => _cluster.Current.Find(MemberId) is { IsLearner: true };

    /// <inheritdoc/>
    public CancellationToken LeaderLost => _leadership.LeaderLost;

    /// <inheritdoc/>
    public Task Started => _started.Task;

    /// <summary>Faults when the member cannot go on; see <see cref="MemberNode.Failed"/>.</summary>
    public Task Failed => _node.Failed;

    /// <inheritdoc/>
    public MvccStore Store { get; }

    /// <inheritdoc/>
    public WatchHub Watches { get; }

    /// <inheritdoc/>
    public LeaseManager Leases { get; }

    /// <summary>What the services stand on.</summary>
    public ApiContext Api => new(this, _node, this, this, _changes, _alarms, _leaseDesk, Ids, new ApiOptions
    {
        MaxTxnOps = _options.MaxTxnOps,
        MaxRequestBytes = _options.MaxRequestBytes,
        RequestTimeout = RequestTimeout(_options),
    }, _stopping.Token)
    {
        Figures = _figures,
        Auth = _auth,
        Downgrades = _downgrades,
    };

    /// <inheritdoc/>
    public ValueTask LinearizeAsync(CancellationToken cancellation) => _node.LinearizeAsync(cancellation);

    /// <inheritdoc/>
    public async Task<StateExport> ExportAsync() => (StateExport)await _node.ExportAsync().ConfigureAwait(false);

    /// <inheritdoc/>
    public Task WhenCompactedAsync(long revision) => _machine.CompactionProgress.WhenFinished(revision);

    /// <inheritdoc/>
    public async Task DefragmentAsync()
    {
        Task done = _machine.DefragmentAsync();
        _node.ExpectMaintenance();
        try
        {
            await done.WaitAsync(_stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw EtcdErrors.Stopped.ToException();
        }
    }

    /// <summary>Starts the threads, connects to the other members, and makes itself known.</summary>
    public void Start()
    {
        TellWhoWeAre();
        // Before the threads: what they apply first are the members.
        _peers.Start(_node);
        _applyThread.Start();
        _watchThread!.Start();
        _storeThread.Start();
        _logThread.Start();
        _node.Start();
        bool alone = _recovered.IsNew && _cluster.Current.Members.Count == 1;
        _ticksToAdvance = alone || !_options.InitialElectionTickAdvance ? 0 : AdvanceMilliseconds / _options.HeartbeatMilliseconds;
        TimeSpan tick = TimeSpan.FromMilliseconds(_options.HeartbeatMilliseconds);
        _ticker = _clock.CreateTimer(_ => Tick(), null, tick, tick);
        _ = PublishAsync();
        _ = ServeAsync();
        _ = LeaveIfRemovedAsync();
        _monitoring = _versions.RunAsync(_stopping.Token);
        _upkeep.Start(_stopping.Token);
    }

    /// <summary>
    /// Before a clean stop: a leader hands its leadership to the voter that it has reached for the longest, so that the others need
    /// not wait for an election timeout. Never fails; takes half a second at most.
    /// </summary>
    public async Task HandOverAsync()
    {
        if (_node.LeadsIn == default)
        {
            HostingLog.TransferSkipped(_log, MemberId.ToString(), Leader.ToString(), "local server is not leader");
            return;
        }

        Membership.Member[] voters = [.. Members.Where(m => !m.IsLearner)];
        if (voters.Length < 2)
        {
            HostingLog.TransferSkipped(_log, MemberId.ToString(), Leader.ToString(), "single voting member cluster");
            return;
        }

        MemberId? target = voters
            .Select(m => (m.Id, Since: _peers.ActiveSince(m.Id)))
            .Where(m => m.Since is not null && m.Id != MemberId)
            .OrderBy(m => m.Since)
            .Select(m => (MemberId?)m.Id)
            .FirstOrDefault();
        try
        {
            await (target is { } to
                ? _changes.MoveLeaderAsync(to, HandOverTimeout, CancellationToken.None)
                : Task.FromException(EtcdErrors.Unhealthy.ToException())).ConfigureAwait(false);
        }
        catch (EtcdErrorException e)
        {
            HostingLog.TransferFailed(_log, MemberId.ToString(), e.Error.Text);
        }
    }

    /// <summary>Streams end from now on; what is under way is still answered. <see cref="DisposeAsync"/> follows.</summary>
    public void BeginStop() => _stopping.Cancel();

    /// <summary>What is under way is answered with "server stopped" from now on, and the member takes part in nothing any more.</summary>
    public void EndRequests() => _node.Stop();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        if (_ticker is not null)
        {
            await _ticker.DisposeAsync().ConfigureAwait(false);
        }

        _node.Stop();
        _logThread.Dispose();
        _applyThread.Dispose();
        _watchThread!.Dispose();
        _storeThread.Dispose();
        await _peers.DisposeAsync().ConfigureAwait(false);
        Fail(_started);
        Fail(_serving);
        _recovered.Dispose();
        await _monitoring.ConfigureAwait(false);
        await _upkeep.EndedAsync().ConfigureAwait(false);
        _upkeep.Dispose();
        (_auth.Tokens as IDisposable)?.Dispose();
        _versions.Dispose();
        _leadership.Dispose();
        _stopping.Dispose();
    }

    private static void Fail(TaskCompletionSource awaited)
    {
        awaited.TrySetException(EtcdErrors.Stopped.ToException());
        _ = awaited.Task.Exception;
    }

    private static int ElectionTicks(ServerOptions options) => options.ElectionMilliseconds / options.HeartbeatMilliseconds;

    private static TimeSpan RequestTimeout(ServerOptions options) => TimeSpan.FromMilliseconds(5000 + (2 * options.ElectionMilliseconds));

    private static MemberFolders Folders(ServerOptions options) =>
        new(options.EffectiveWalDir, Path.Combine(Path.GetFullPath(options.EffectiveDataDir), "member", "snap"));

    private static Wal.WalOptions WalOptions(ServerOptions options, Wal.WalFigures figures) =>
        new() { SyncMode = options.UnsafeNoFsync ? Wal.SyncMode.None : Wal.SyncMode.Full, Figures = figures };

    private static RaftOptions RaftOptions(ServerOptions options, MemberId id)
    {
        // Members must differ in it, and it need not be a secret.
        var random = new Random(unchecked((int)(id.Value ^ (id.Value >> 32))));
        return new RaftOptions
        {
            Id = id,
            ElectionTicks = ElectionTicks(options),
            PreVote = options.PreVote,
            CatchUpEntries = options.SnapshotCatchUpEntries,
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
        ThreadPreemptions = ThreadPreemptions.OfThisThread,
    };

    private PeerTransportOptions TransportOptions(RecoveredMember recovered) => new()
    {
        Identity = new PeerIdentity(
            recovered.Id, recovered.ClusterId, [.. _options.InitialAdvertisePeerUrls.Select(u => u.Text)], _options.ClaimedVersion),
        SnapshotFolder = Folders(_options).Snapshots,
        DialTimeout = TimeSpan.FromMilliseconds(1000 + _options.ElectionMilliseconds),
        Tls = PeerTls.ForClient(_options),
        OnRemoved = () => _removed.TrySetResult(),
    };

    private void Tick()
    {
        _node.Tick();
        _auth.Tokens.RunOnce();
        AdvanceElection();
        _leadership.Tick();
        _upkeep.Tick();
        bool keepsLeases = Leases.IsPrimary;
        int reached = _peers.ActivePeers;
        if ((keepsLeases && !_keptLeases) || reached > _peersReached)
        {
            // Of one that was not reached the version was not known, and the cluster's may be lower than it need be.
            _versions.Wake();
        }

        _keptLeases = keepsLeases;
        _peersReached = reached;
    }

    /// <summary>
    /// At a start nobody is known to lead, and to wait for a whole election timeout is pointless once the others are reached; but a
    /// leader that is there gets the time of a heartbeat to say so.
    /// </summary>
    private void AdvanceElection()
    {
        if (_ticksToAdvance == 0)
        {
            return;
        }

        _ticksToAdvance--;
        int active = _peers.ActivePeers;
        if (!Leader.IsNone)
        {
            _ticksToAdvance = 0;
        }
        else if (active > 1)
        {
            _ticksToAdvance = 0;
            int ticks = ElectionTicks(_options) - TicksLeftToWait;
            HostingLog.ElectionAdvanced(_log, MemberId.ToString(), ticks, ElectionTicks(_options), active);
            for (int i = 0; i < ticks; i++)
            {
                _node.Tick();
            }
        }
    }

    private void TellWhoWeAre()
    {
        if (_recovered.Repair is { } repair)
        {
            HostingLog.Repaired(_log, repair.File, repair.Offset, repair.Backup);
        }

        string cluster = ClusterId.ToString("x", System.Globalization.CultureInfo.InvariantCulture);
        if (_recovered.Forced is { } forced)
        {
            HostingLog.ForcedRestart(
                _log, cluster, MemberId.ToString(), forced.Unconfirmed, forced.Removed.Select(m => m.ToString()), _recovered.Log.HardState.Commit.Value);
        }
        else if (_recovered.IsNew)
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
            await WhenWholeAsync().ConfigureAwait(false);
            // It comes behind everything that was recovered: when it is applied, so is that.
            await PublishAttributesAsync().ConfigureAwait(false);
            StopIfTooOld();
            await AgreeIfAloneAsync().ConfigureAwait(false);
            _started.TrySetResult();
        }
        catch (Exception e)
        {
            _started.TrySetException(e);
            _ = _started.Task.Exception;
        }
    }

    /// <summary>
    /// A member whose version is below the agreed one has no place in the cluster: what the others do may be new to it. A downgrade makes
    /// one, and lowers the agreed version first.
    /// </summary>
    private void StopIfTooOld()
    {
        if (ClusterVersion is { } agreed && ClaimedVersion.Number(agreed) > ClaimedVersion.Number(_options.ClaimedVersion.Cluster))
        {
            _node.Fail(new ClusterStartException(
                $"invalid downgrade; server version is lower than determined cluster version (server {_options.ClaimedVersion.Cluster}, cluster {agreed})"));
            throw EtcdErrors.Stopped.ToException();
        }
    }

    private async Task ServeAsync()
    {
        try
        {
            Task waited = Task.Delay(_options.WaitClusterReadyTimeout, _clock, _stopping.Token);
            if (await Task.WhenAny(_started.Task, waited).ConfigureAwait(false) == waited)
            {
                await waited.ConfigureAwait(false);
                HostingLog.NotReadyInTime(_log);
                await WhenWholeAsync().ConfigureAwait(false);
                await _node.WhenApplied(_recovered.Log.HardState.Commit).ConfigureAwait(false);
            }
            else
            {
                await _started.Task.ConfigureAwait(false);
            }

            await CheckDataAsync().ConfigureAwait(false);
            HostingLog.Ready(_log);
            _serving.TrySetResult();
        }
        catch (Exception e) when (e is EtcdErrorException or OperationCanceledException)
        {
            Fail(_serving);
        }
    }

    /// <summary>A member whose store was found damaged at its start has nothing to show before another one has sent it the state.</summary>
    private async Task WhenWholeAsync()
    {
        while (_node.IsDamaged)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(_options.HeartbeatMilliseconds), _clock, _stopping.Token).ConfigureAwait(false);
        }
    }

    /// <summary>One that has data compares them with the others' before it serves; what differs ends it.</summary>
    private async Task CheckDataAsync()
    {
        if (_recovered.IsNew)
        {
            return;
        }

        try
        {
            await _upkeep.CheckAtStartAsync(_stopping.Token).ConfigureAwait(false);
        }
        catch (StoreException)
        {
            // They cannot be read, which those who repair them know.
        }
        catch (Exception e) when (e is not (EtcdErrorException or OperationCanceledException))
        {
            // They differ.
            _node.Fail(e);
            throw EtcdErrors.Stopped.ToException();
        }
    }

    private async Task LeaveIfRemovedAsync()
    {
        try
        {
            await _node.Removed.WaitAsync(_stopping.Token).ConfigureAwait(false);
            // Until one of the others says so, which shows that it knows: a message that was lost would else leave the last one of
            // two without the vote by which it can find out. (In etcd a removed leader goes on to lead for a second.)
            TimeSpan limit = TimeSpan.FromMilliseconds(1000 + (ElectionTimeoutsToLeave * _options.ElectionMilliseconds));
            await Task.WhenAny(_removed.Task, Task.Delay(limit, _clock, _stopping.Token)).ConfigureAwait(false);
            _removed.TrySetResult();
        }
        catch (OperationCanceledException)
        {
            // It stops anyway.
        }
    }

    /// <summary>Alone, a member agrees with itself, and need not be seen without a version.</summary>
    private async Task AgreeIfAloneAsync()
    {
        if (Members.Count != 1)
        {
            return;
        }

        try
        {
            await _versions.AgreeAsync(_stopping.Token).ConfigureAwait(false);
        }
        catch (EtcdErrorException e) when (e.Error != EtcdErrors.Stopped)
        {
            HostingLog.ClusterVersionFailed(_log, e.Error.Text);
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
        byte[] bytes = request.ToByteArray();
        while (true)
        {
            try
            {
                // One that is passed on to the leader may get lost on the way, most of all while the members have only begun to meet.
                await _node.ProposeAsync(RaftCommand.Create(RaftCommandKind.ClusterMemberAttrSet, bytes))
                    .WaitAsync(PublishTimeout, _clock, _stopping.Token).ConfigureAwait(false);
                break;
            }
            catch (TimeoutException)
            {
                HostingLog.PublishFailed(_log, MemberId.ToString(), EtcdErrors.Timeout.Text);
            }
            catch (EtcdErrorException e) when (e.Error != EtcdErrors.Stopped)
            {
                // No quorum yet, or a disk that stalls: it delays the member and does not end it. It may be applied twice.
                HostingLog.PublishFailed(_log, MemberId.ToString(), e.Error.Text);
                await Task.Delay(TimeSpan.FromMilliseconds(_options.HeartbeatMilliseconds), _clock, _stopping.Token).ConfigureAwait(false);
            }
        }

        HostingLog.Published(
            _log, MemberId.ToString(), _options.Name, clientUrls, ClusterId.ToString("x", System.Globalization.CultureInfo.InvariantCulture));
    }

    private TimeSpan RunStore()
    {
        try
        {
            return Store.RunDiskOnce() ? TimeSpan.Zero : _upkeep.Scrub.RunOnce();
        }
        catch (Exception e)
        {
            // It is not known what is on the disk.
            _node.Fail(e);
            return Timeout.InfiniteTimeSpan;
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
