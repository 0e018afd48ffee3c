namespace Etcd.Client;

/// <summary>How a watch works.</summary>
public sealed record EtcdWatchOptions
{
    /// <summary>The first revision to tell of, which may be in the past; 0 for what happens from now on.</summary>
    public long StartRevision { get; init; }

    /// <summary>
    /// The cluster that <see cref="StartRevision"/> is a revision of (<see cref="EtcdHeader.ClusterId"/>): the watch does not begin at another
    /// one, see <see cref="OnCompaction"/>. 0 for the one that the watch meets first.
    /// </summary>
    public ulong ClusterId { get; init; }

    /// <summary>Asks for what a key had before each change.</summary>
    public bool ReturnPrevious { get; init; }

    /// <summary>Leaves puts out.</summary>
    public bool NoPuts { get; init; }

    /// <summary>Leaves deletes out.</summary>
    public bool NoDeletes { get; init; }

    /// <summary>
    /// Whether batches of kind <see cref="EtcdWatchBatchKind.Progress"/> are given, which say up to which revision all was told. They
    /// come now and then while nothing happens, and after <see cref="IEtcdWatch.RequestProgressAsync"/>.
    /// </summary>
    public bool ReportProgress { get; init; }

    /// <summary>
    /// What happens when the history is gone that the watch needs to go on: its revision is compacted, or the cluster is another one than
    /// before. By default it ends.
    /// </summary>
    /// <remarks>
    /// A cluster that is made anew with the same members and the same token has the same id. What is lost then shows only where revisions
    /// are compared: a linearizable read that answers with a lower revision than was known.
    /// </remarks>
    public EtcdCompactionPolicy OnCompaction { get; init; }

    /// <summary>
    /// Whether members that lost their leader end the watch, which then goes on at another member. True by default: such a member
    /// would be silent for as long as it is cut off.
    /// </summary>
    public bool RequireLeader { get; init; } = true;

    /// <summary>
    /// Events that are held for a reader that is behind. Where this or <see cref="BufferBytes"/> is reached, the watch is ended on the
    /// server, so that it does not hold up the others on the stream, and goes on where it was when the reader has taken half of them.
    /// Null for the client's setting. One response of the server may go beyond the limit.
    /// </summary>
    public int? BufferEvents { get; init; }

    /// <summary>Bytes of keys and values that are held for a reader that is behind. Null for the client's setting.</summary>
    public long? BufferBytes { get; init; }

    /// <summary>How a range is read where that is needed: for snapshots, and after a compaction.</summary>
    public EtcdListOptions? List { get; init; }
}

/// <summary>What a watch does when history that it needs is gone.</summary>
public enum EtcdCompactionPolicy
{
    /// <summary>It ends with <see cref="EtcdCompactedException"/>, or <see cref="EtcdClusterChangedException"/>.</summary>
    Throw,

    /// <summary>
    /// It gives the range as it is now in batches of kind <see cref="EtcdWatchBatchKind.Snapshot"/> and goes on from there. Keys that
    /// are in no batch of that snapshot do not exist any more.
    /// </summary>
    ListAgain,
}
