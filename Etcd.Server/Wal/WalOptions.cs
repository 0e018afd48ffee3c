namespace Etcd.Server.Wal;

/// <summary>Whether <see cref="WriteAheadLog.Sync"/> really waits for the disk.</summary>
public enum SyncMode
{
    /// <summary>What is acknowledged survives a power failure.</summary>
    Full,

    /// <summary>
    /// Nothing is synced while running (--unsafe-no-fsync): what is acknowledged survives the end of the process,
    /// but not of the machine. For tests and measurements.
    /// </summary>
    None,
}

/// <summary>How a log is written.</summary>
public sealed record WalOptions
{
    /// <summary>etcd's values.</summary>
    public static WalOptions Default { get; } = new();

    /// <summary>When a segment is full.</summary>
    public long SegmentBytes { get; init; } = WalFormat.SegmentBytes;

    /// <summary>Whether syncs are real.</summary>
    public SyncMode SyncMode { get; init; } = SyncMode.Full;

    /// <summary>Where writes and syncs are counted; null if nowhere.</summary>
    public WalFigures? Figures { get; init; }

    /// <summary>Bytes collected before they are written without being asked to; at least a page.</summary>
    public int BufferBytes { get; init; } = 1024 * 1024;
}
