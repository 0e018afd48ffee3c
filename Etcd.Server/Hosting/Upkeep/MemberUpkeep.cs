using Etcd.Protocol.Errors;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Space;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Hosting.Upkeep.Integrity;
using Etcd.Server.Io;
using Etcd.Server.Membership;
using Etcd.Server.Node;
using Etcd.Server.Node.Compaction;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Upkeep;

/// <summary>What a member looks after besides requests: its space, compactions that nobody asks for, and whether data are the same everywhere.</summary>
internal sealed class MemberUpkeep : IDisposable
{
    // The name under which etcd's log has its quota.
    private const string QuotaName = "v3-applier";

    private readonly ServerOptions _options;
    private readonly ClusterState _cluster;
    private readonly SpaceQuota _quota;
    private readonly ILogger _log;
    private readonly SpaceMonitor _space;
    private readonly UpkeepMetrics _metrics;
    private readonly AutoCompactor? _compactor;
    private readonly IntegrityMonitor _integrity;
    private readonly StoreRepair _repair;
    private readonly TickGate _gate = new();
    private readonly Action _tick;
    private Task _running = Task.CompletedTask;

    /// <summary>Puts the parts together; nothing runs yet.</summary>
    /// <param name="options">The flags.</param>
    /// <param name="node">The node.</param>
    /// <param name="self">This member.</param>
    /// <param name="cluster">The members.</param>
    /// <param name="store">The keys.</param>
    /// <param name="machine">The state, for its alarms.</param>
    /// <param name="quota">The quota.</param>
    /// <param name="peers">Who of the other members is reached.</param>
    /// <param name="calls">The way to them.</param>
    /// <param name="folder">The store's folder.</param>
    /// <param name="files">The disk.</param>
    /// <param name="snapshotFolder">Where a state of another member is put while it arrives.</param>
    /// <param name="figures">Where damage and repairs are counted.</param>
    /// <param name="requestTimeout">How long another member may take to answer.</param>
    /// <param name="clock">The time.</param>
    /// <param name="log">Where it is told.</param>
    public MemberUpkeep(
        ServerOptions options,
        MemberNode node,
        MemberId self,
        ClusterState cluster,
        MvccStore store,
        StateMachine machine,
        SpaceQuota quota,
        IPeerTransport peers,
        IPeerCalls calls,
        StoreFolder folder,
        IFileSystem files,
        string snapshotFolder,
        IntegrityFigures figures,
        TimeSpan requestTimeout,
        TimeProvider clock,
        ILogger log)
    {
        _options = options;
        _cluster = cluster;
        _quota = quota;
        _log = log;
        _space = new SpaceMonitor(node, self, machine.Alarms, quota, options.QuotaAutoDisarm, clock, log);
        _tick = TickOnce;
        _metrics = new UpkeepMetrics(self, quota, _space, machine.Alarms, figures, store);
        _compactor = Compactor(options.AutoCompaction, node, store, clock, log);
        _integrity = new IntegrityMonitor(
            node,
            new MemberHashes(node, self, cluster, store, machine.Alarms, peers, calls, requestTimeout, clock, log),
            new IntegrityOptions(options.CorruptCheckTime, options.CompactHashCheck, options.CompactHashCheckTime),
            requestTimeout,
            clock,
            log);
        _repair = new StoreRepair(new RepairParts
        {
            Self = self,
            Node = node,
            Machine = machine,
            Store = store,
            Folder = folder,
            Cluster = cluster,
            Peers = peers,
            Calls = calls,
            Files = files,
            SnapshotFolder = snapshotFolder,
            Figures = figures,
            Clock = clock,
            Log = log,
        });
        store.DamageFound = _repair.OnDamage;
        Scrub = new ScrubPace(store, self, options.ScrubInterval, options.ScrubBytesPerSecond, folder.KnownDamage is not null, clock, log);
        if (folder.ManifestDamage is { } damage)
        {
            _repair.OnDamage(new StoreDamage(damage.File, damage.Offset, damage.Message, IsLost: false));
        }

        node.QuotaExceeded = () => UpkeepLog.BeyondQuota(log, quota.Bytes, HumanBytes.Of(quota.Bytes), EtcdErrors.NoSpace.Text);
    }

    /// <summary>What goes through everything on the disk, for the thread that works there.</summary>
    public ScrubPace Scrub { get; }

    /// <summary>Begins.</summary>
    /// <param name="stop">The member stops.</param>
    public void Start(CancellationToken stop)
    {
        TellQuota();
        _running = Task.WhenAll(_integrity.RunAsync(stop), _repair.RunAsync(stop));
    }

    /// <summary>
    /// Compares the data that this member has started with with the others' before it serves; see
    /// <see cref="IntegrityMonitor.CheckAtStartAsync"/>.
    /// </summary>
    /// <param name="stop">The member stops.</param>
    public Task CheckAtStartAsync(CancellationToken stop) => _options.InitialCorruptCheck && _cluster.Current.Members.Count > 1
        ? _integrity.CheckAtStartAsync(stop)
        : Task.CompletedTask;

    /// <summary>A heartbeat interval has passed. The timer, which does not wait for the last tick; see <see cref="TickGate"/>.</summary>
    public void Tick() => _gate.Run(_tick);

    /// <summary>Completes when what <see cref="Start"/> began has ended.</summary>
    public Task EndedAsync() => _running;

    /// <inheritdoc/>
    public void Dispose() => _metrics.Dispose();

    private void TickOnce()
    {
        _space.Tick();
        _compactor?.Tick();
    }

    private static AutoCompactor? Compactor(CompactionRetention retention, MemberNode node, MvccStore store, TimeProvider clock, ILogger log)
    {
        if (retention.IsOff)
        {
            return null;
        }

        bool isPeriodic = retention.Period > TimeSpan.Zero;
        ICompactionSchedule schedule = isPeriodic
            ? new PeriodicSchedule(retention.Period, clock)
            : new RevisionSchedule(retention.Revisions, clock);
        return new AutoCompactor(node, store, schedule, isPeriodic ? "periodic" : "revision", clock, log);
    }

    private void TellQuota()
    {
        string size = _quota.IsLimited ? HumanBytes.Of(_quota.Bytes) : "";
        if (!_quota.IsLimited)
        {
            UpkeepLog.QuotaDisabled(_log, QuotaName, _quota.Bytes);
            return;
        }

        if (_options.QuotaBackendBytes == 0)
        {
            UpkeepLog.QuotaDefault(_log, QuotaName, _quota.Bytes, size);
            return;
        }

        if (_quota.Bytes > Limits.QuotaBytesAdvisedMax)
        {
            UpkeepLog.QuotaLarge(
                _log, QuotaName, _quota.Bytes, size, Limits.QuotaBytesAdvisedMax, HumanBytes.Of(Limits.QuotaBytesAdvisedMax));
        }

        UpkeepLog.QuotaEnabled(_log, QuotaName, _quota.Bytes, size);
    }
}
