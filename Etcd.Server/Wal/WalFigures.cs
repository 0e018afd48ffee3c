using Etcd.Server.Primitives;

namespace Etcd.Server.Wal;

/// <summary>The figures of etcd's etcd_disk_wal_* metrics. Written by the log thread, read by any.</summary>
/// <param name="clock">The time.</param>
public sealed class WalFigures(TimeProvider clock)
{
    private long _writtenBytes;

    /// <summary>etcd_disk_wal_fsync_duration_seconds; nothing while syncs are turned off.</summary>
    public DurationHistogram Syncs { get; } = new(0.001, 14);

    /// <summary>etcd_disk_wal_write_duration_seconds.</summary>
    public DurationHistogram Writes { get; } = new(0.001, 14);

    /// <summary>etcd_disk_wal_write_bytes_total.</summary>
    public long WrittenBytes => Volatile.Read(ref _writtenBytes);

    internal long Now => clock.GetTimestamp();

    internal long Wrote(long began, long bytesEver)
    {
        Volatile.Write(ref _writtenBytes, bytesEver);
        return Observe(Writes, began);
    }

    internal void Synced(long began) => Observe(Syncs, began);

    private long Observe(DurationHistogram histogram, long began)
    {
        long now = clock.GetTimestamp();
        histogram.Observe(clock.GetElapsedTime(began, now));
        return now;
    }
}
