namespace Etcd.Server.Primitives;

/// <content>Bounds of what members send each other.</content>
public static partial class Limits
{
    /// <summary>Largest raft message that is read, bytes (etcd: readBytesLimit). Beyond: the stream is closed.</summary>
    public const int PeerMessageBytesMax = 512 * 1024 * 1024;

    /// <summary>Largest message in front of a snapshot's content, bytes (etcd: snapshotLimitByte). Beyond: refused.</summary>
    public const int PeerSnapshotMessageBytesMax = 64 * 1024 * 1024;

    /// <summary>
    /// Entries in one message. Members send at most 512 KiB or one entry at a time, so nobody gets near; it bounds what is set
    /// aside for a number that a peer names. Beyond: the stream is closed.
    /// </summary>
    public const int PeerMessageEntriesMax = 1_000_000;

    /// <summary>Messages that may wait on one stream (etcd: streamBufSize). Beyond: dropped, and the peer is reported unreachable.</summary>
    public const int PeerStreamMessagesMax = 4096;

    /// <summary>Bytes that may wait on one stream; one larger message passes if it is alone. Beyond: as above.</summary>
    public const int PeerStreamBytesMax = 64 * 1024 * 1024;

    /// <summary>Messages that may wait to be posted one by one (etcd: pipelineBufSize). Beyond: dropped and reported.</summary>
    public const int PeerPipelineMessagesMax = 64;

    /// <summary>Bytes that may wait to be posted one by one; one larger message passes if it is alone. Beyond: as above.</summary>
    public const int PeerPipelineBytesMax = 16 * 1024 * 1024;

    /// <summary>
    /// Bytes of messages that have arrived and that raft has not looked at; one larger message passes if it is alone. Beyond:
    /// dropped, as if the network had lost them. (etcd: 4096 messages of each peer.)
    /// </summary>
    public const int PeerArrivingBytesMax = 64 * 1024 * 1024;

    /// <summary>
    /// Members that are answered although this member does not know them yet: it is behind, or they belong elsewhere. Beyond:
    /// they are not answered until this member has caught up.
    /// </summary>
    public const int PeerRemotesMax = 32;

    /// <summary>How long a connection between members may be silent, or a write to it stuck, milliseconds (--raft-read-timeout, --raft-write-timeout).</summary>
    public const int PeerStreamTimeoutMilliseconds = 5000;

    /// <summary>Least time between two attempts to open the same stream, milliseconds (etcd: DialRetryFrequency).</summary>
    public const int PeerRedialMilliseconds = 100;

    /// <summary>How often a peer's round trip is measured, milliseconds (etcd: proberInterval).</summary>
    public const int PeerProbeMilliseconds = 4000;

    /// <summary>How long a snapshot's transfer may stand still before it is given up, milliseconds.</summary>
    public const int PeerSnapshotStallMilliseconds = 60_000;

    /// <summary>Largest body of a request about leases, bytes (etcd: maxLeaseHTTPRequestSize). Beyond: "request body too large".</summary>
    public const int PeerLeaseRequestBytesMax = 64 * 1024;

    /// <summary>Largest answer that is read from a peer, bytes (etcd: maxLeaseHTTPResponseSize): a lease's keys may be many.</summary>
    public const int PeerAnswerBytesMax = 100 * 1024 * 1024;
}
