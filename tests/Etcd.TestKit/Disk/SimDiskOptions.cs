namespace Etcd.TestKit.Disk;

/// <summary>The faults that a <see cref="SimDisk"/> injects. Operations are counted from 1; reads do not count.</summary>
public sealed record SimDiskOptions
{
    /// <summary>Decides what of the unsynced state a crash leaves.</summary>
    public int Seed { get; init; }

    /// <summary>Decides in the place of <see cref="Seed"/>, for whoever draws everything from one source.</summary>
    public Random? Random { get; init; }

    /// <summary>The power fails during this operation; 0 for never.</summary>
    public long CrashAtOperation { get; init; }

    /// <summary>The first sync at or after this operation fails, and what it should have written is dropped or not; 0 for never.</summary>
    public long FailSyncAtOperation { get; init; }

    /// <summary>Bytes that fit on the disk.</summary>
    public long CapacityBytes { get; init; } = long.MaxValue;

    /// <summary>Called during each sync, before anything becomes durable: a slow disk, or a look at what waits for it.</summary>
    public Action<string>? Syncing { get; init; }
}
