using System.Net.Security;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;

namespace Etcd.Server.Hosting.Peers;

/// <summary>How a member talks to the others. Immutable.</summary>
internal sealed record PeerTransportOptions
{
    /// <summary>Who this member is.</summary>
    public required PeerIdentity Identity { get; init; }

    /// <summary>Where received snapshots are stored; made if it is not there.</summary>
    public required string SnapshotFolder { get; init; }

    /// <summary>How long a connection may take to open; etcd: a second and an election timeout.</summary>
    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromMilliseconds(1000 + Limits.ElectionTimeoutMilliseconds);

    /// <summary>How long a stream may be silent, or a write to it stuck; a third of it is the interval of signs of life.</summary>
    public TimeSpan StreamTimeout { get; init; } = TimeSpan.FromMilliseconds(Limits.PeerStreamTimeoutMilliseconds);

    /// <summary>Least time between two attempts to open the same stream.</summary>
    public TimeSpan RedialInterval { get; init; } = TimeSpan.FromMilliseconds(Limits.PeerRedialMilliseconds);

    /// <summary>How often a round trip is measured.</summary>
    public TimeSpan ProbeInterval { get; init; } = TimeSpan.FromMilliseconds(Limits.PeerProbeMilliseconds);

    /// <summary>How long the transfer of a snapshot may stand still.</summary>
    public TimeSpan SnapshotStall { get; init; } = TimeSpan.FromMilliseconds(Limits.PeerSnapshotStallMilliseconds);

    /// <summary>TLS towards other members; null means certificates are checked against the system's authorities.</summary>
    public SslClientAuthenticationOptions? Tls { get; init; }

    /// <summary>Called when another member says that this one was removed for good: it is to stop. Any thread, more than once.</summary>
    public Action OnRemoved { get; init; } = static () => { };
}
