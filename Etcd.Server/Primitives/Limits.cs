namespace Etcd.Server.Primitives;

/// <summary>
/// Every bound of the server in one place: the value, where it comes from, and what happens at it. Those that a flag
/// overrides are the flag's default.
/// </summary>
public static partial class Limits
{
    /// <summary>Largest client request, bytes (--max-request-bytes). Beyond: "request is too large".</summary>
    public const int RequestBytesMax = 1_572_864;

    /// <summary>What the gRPC layer accepts beyond <see cref="RequestBytesMax"/>, bytes, as in etcd. Beyond: ResourceExhausted.</summary>
    public const int GrpcOverheadBytes = 512 * 1024;

    /// <summary>Operations in one transaction (--max-txn-ops). Beyond: "too many operations in txn request".</summary>
    public const int TxnOpsMax = 128;

    /// <summary>Streams on one client connection (--max-concurrent-streams); etcd's default is no limit.</summary>
    public const uint ConcurrentStreamsMax = uint.MaxValue;

    /// <summary>How far committed may run ahead of applied, entries. Beyond: "too many requests" (etcd: maxGapBetweenApplyAndCommitIndex).</summary>
    public const ulong CommittedApplyGapMax = 5000;

    /// <summary>Largest lease TTL, seconds. Beyond: "too large lease TTL".</summary>
    public const long LeaseTtlSecondsMax = 9_000_000_000;

    /// <summary>Leases revoked by expiry per <see cref="LeaseTickMilliseconds"/>, so that a mass expiry does not fill the log.</summary>
    public const int LeaseRevokesPerTickMax = 500;

    /// <summary>How often the lease room looks for expired leases, milliseconds.</summary>
    public const int LeaseTickMilliseconds = 500;

    /// <summary>Interval of progress notifications on idle watches that asked for them, milliseconds (--watch-progress-notify-interval).</summary>
    public const int WatchProgressMilliseconds = 600_000;

    /// <summary>Events kept in memory for watchers that keep up; one further behind reads the store.</summary>
    public const int WatchRingEvents = 65_536;

    /// <summary>Bytes that may wait unsent on one watch stream. Beyond: its watchers fall back to catch-up.</summary>
    public const int WatchStreamPendingBytesMax = 4 * 1024 * 1024;

    /// <summary>Bytes of a watch call's responses that are written before they are flushed. Beyond: the writer waits for the client.</summary>
    public const int WatchUnflushedBytesMax = 64 * 1024;

    /// <summary>Heartbeat interval, milliseconds (--heartbeat-interval): one raft tick.</summary>
    public const int HeartbeatMilliseconds = 100;

    /// <summary>Election timeout, milliseconds (--election-timeout).</summary>
    public const int ElectionTimeoutMilliseconds = 1000;

    /// <summary>Largest election timeout that a flag may set, milliseconds.</summary>
    public const int ElectionTimeoutMillisecondsMax = 50_000;

    /// <summary>Entries in one batch for the log; a batch is one group commit. Beyond: the rest waits for the next.</summary>
    public const int ProposalBatchMax = 4096;

    /// <summary>Bytes of entries in one batch for the log. Beyond: the rest waits for the next.</summary>
    public const int ProposalBatchBytesMax = 8 * 1024 * 1024;

    /// <summary>Bytes of requests that may wait for their proposal to be taken. Beyond: "too many requests". (etcd has no such bound.)</summary>
    public const long ProposalQueueBytesMax = 256L * 1024 * 1024;

    /// <summary>Requests that may wait for their proposal to be taken. Beyond: "too many requests".</summary>
    public const int ProposalQueueMax = 65_536;

    /// <summary>
    /// How far a term may be ahead of the last one that is known. Terms count elections: no cluster holds this many, and one false
    /// number must not bring every member to the end of the numbers. Beyond: the message is ignored; a log that says so is refused.
    /// </summary>
    public const ulong TermJumpMax = 1UL << 32;

    /// <summary>Changes of the membership that may wait for the one before. Beyond: "too many requests". (etcd has no such bound.)</summary>
    public const int MemberChangesWaitingMax = 64;

    /// <summary>Learners in a cluster (etcd: --max-learners). Beyond: "too many learner members in cluster".</summary>
    public const int LearnersMax = 1;

    /// <summary>Lease checkpoints in one log entry (etcd: maxLeaseCheckpointBatchSize). Beyond: the next entry takes the rest.</summary>
    public const int LeaseCheckpointsPerEntryMax = 1000;

    /// <summary>How often the remaining time of a long lease is noted in the log, seconds (etcd: 5 minutes).</summary>
    public const int LeaseCheckpointSeconds = 300;

    /// <summary>Bytes that the store may take (--quota-backend-bytes). Beyond: "database space exceeded", and the NOSPACE alarm.</summary>
    public const long QuotaBytesDefault = 2L * 1024 * 1024 * 1024;

    /// <summary>The largest quota that etcd advises; a larger one is warned of.</summary>
    public const long QuotaBytesAdvisedMax = 8L * 1024 * 1024 * 1024;

    /// <summary>Payload bytes that are applied between two measurements of the store for the quota.</summary>
    public const int QuotaMeasureBytes = 64 * 1024;

    /// <summary>Keys in the first chunk of a RangeStream answer; the next chunks follow the size of those before (etcd v3.7).</summary>
    public const int RangeStreamFirstChunkKeys = 10;

    /// <summary>Entries after which the state is made durable and the log before it let go (--snapshot-count, etcd's default).</summary>
    public const long CheckpointEntries = 10_000;

    /// <summary>Bytes of records after which that is done in any case. (etcd has no such bound.)</summary>
    public const long CheckpointBytes = 64L * 1024 * 1024;

    /// <summary>Segments of the write-ahead log that are kept (--max-wals, etcd's default).</summary>
    public const int WalsMax = 5;

    /// <summary>How long a simple token lives that is not used (--auth-token-ttl, etcd's default).</summary>
    public static readonly TimeSpan SimpleTokenLifetime = TimeSpan.FromSeconds(300);

    /// <summary>How long a JSON web token lives (the option ttl of --auth-token, etcd's default).</summary>
    public static readonly TimeSpan WebTokenLifetime = TimeSpan.FromMinutes(5);

    /// <summary>What is set aside in a log entry for the name of its user, bytes; a longer name costs a copy of the request.</summary>
    public const int UserRoomBytes = 48;
}
