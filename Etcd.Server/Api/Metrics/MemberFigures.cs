using System.Diagnostics;
using Etcd.Server.Apply;
using Etcd.Server.Node;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Wal;

namespace Etcd.Server.Api.Metrics;

/// <summary>Where the rooms of a member count what its metrics show. Any thread.</summary>
public sealed record MemberFigures
{
    /// <summary>What takes longer is counted as slow (etcd's default for --warning-apply-duration).</summary>
    private static readonly TimeSpan SlowRead = TimeSpan.FromMilliseconds(100);

    private int _defragmentationsUnderWay;

    /// <summary>Raft, the log and requests.</summary>
    public required NodeFigures Node { get; init; }

    /// <summary>Operations on the keys.</summary>
    public required StoreFigures Store { get; init; }

    /// <summary>The write-ahead log.</summary>
    public required WalFigures Wal { get; init; }

    /// <summary>The other members.</summary>
    public required PeerMetrics Peers { get; init; }

    /// <summary>gRPC calls.</summary>
    public required GrpcFigures Grpc { get; init; }

    /// <summary>Says how many requests wait to be applied.</summary>
    public required Func<int> PendingProposals { get; init; }

    /// <summary>Damage of the store, and repairs.</summary>
    public IntegrityFigures Integrity { get; } = new();

    /// <summary>Health checks over HTTP.</summary>
    public HealthFigures Health { get; } = new();

    /// <summary>etcd_server_range_duration_seconds of reads that were answered.</summary>
    public DurationHistogram Ranges { get; } = new(0.0001, 20);

    /// <summary>The same of reads that were refused.</summary>
    public DurationHistogram RefusedRanges { get; } = new(0.0001, 20);

    /// <summary>etcd_mvcc_hash_duration_seconds.</summary>
    public DurationHistogram Hashes { get; } = new(0.01, 15);

    /// <summary>etcd_mvcc_hash_rev_duration_seconds.</summary>
    public DurationHistogram HistoryHashes { get; } = new(0.01, 15);

    /// <summary>etcd_disk_backend_snapshot_duration_seconds: the state sent to a client.</summary>
    public DurationHistogram Snapshots { get; } = new(0.01, 17);

    /// <summary>etcd_disk_backend_defrag_duration_seconds.</summary>
    public DurationHistogram Defragmentations { get; } = new(0.1, 13);

    /// <summary>etcd_disk_defrag_inflight: how many ask for space to be given back at the moment.</summary>
    public int DefragmentationsUnderWay => Volatile.Read(ref _defragmentationsUnderWay);

    /// <summary>etcd_server_feature_enabled: the feature gates, by name.</summary>
    public IReadOnlyList<FeatureFigure> Features { get; init; } = [];

    /// <summary>Measures a defragmentation; one that fails is none.</summary>
    /// <param name="defragment">It.</param>
    internal async Task MeasureDefragmentationAsync(Func<Task> defragment)
    {
        long began = Stopwatch.GetTimestamp();
        Interlocked.Increment(ref _defragmentationsUnderWay);
        try
        {
            await defragment().ConfigureAwait(false);
            Defragmentations.Observe(Stopwatch.GetElapsedTime(began));
        }
        finally
        {
            Interlocked.Decrement(ref _defragmentationsUnderWay);
        }
    }

    /// <summary>Counts a read of a range.</summary>
    /// <param name="began">When it was asked for (<see cref="Stopwatch.GetTimestamp"/>).</param>
    /// <param name="readBegan">When it could be read.</param>
    /// <param name="succeeded">Whether it was answered.</param>
    internal void CountRange(long began, long readBegan, bool succeeded)
    {
        long now = Stopwatch.GetTimestamp();
        TimeSpan read = Stopwatch.GetElapsedTime(readBegan, now);
        Store.Ranges.Add();
        (succeeded ? Ranges : RefusedRanges).Observe(read);
        Node.Requests.ObserveRange(succeeded, Stopwatch.GetElapsedTime(began, now));
        CountIfSlow(read);
    }

    /// <summary>Counts a transaction that only reads.</summary>
    /// <param name="began">When it was asked for.</param>
    /// <param name="readBegan">When it could be carried out.</param>
    /// <param name="succeeded">Whether it was answered.</param>
    internal void CountReadOnlyTxn(long began, long readBegan, bool succeeded)
    {
        long now = Stopwatch.GetTimestamp();
        Node.Requests.ObserveReadOnlyTxn(succeeded, Stopwatch.GetElapsedTime(began, now));
        CountIfSlow(Stopwatch.GetElapsedTime(readBegan, now));
    }

    private void CountIfSlow(TimeSpan read)
    {
        if (read > SlowRead)
        {
            Node.CountSlowApply();
        }
    }
}

/// <summary>A feature gate as metrics show it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Stage">How far etcd has it: "ALPHA" or "BETA".</param>
/// <param name="IsEnabled">Whether it is on here.</param>
public readonly record struct FeatureFigure(string Name, string Stage, bool IsEnabled);
