using System.Globalization;
using Etcd.Server.Primitives;

namespace Etcd.Server.Peer;

/// <summary>Who this member is to the others. Immutable.</summary>
/// <param name="Self">Its id.</param>
/// <param name="ClusterId">The cluster's id; members of another cluster are refused.</param>
/// <param name="Urls">Its own peer URLs: whoever does not know this member yet answers there.</param>
/// <param name="Version">The version that it claims.</param>
public sealed record PeerIdentity(MemberId Self, ulong ClusterId, IReadOnlyList<string> Urls, ClaimedVersion Version)
{
    /// <summary>The cluster's id as headers and texts have it.</summary>
    public string ClusterText { get; } = ClusterId.ToString("x", CultureInfo.InvariantCulture);

    /// <summary>Reads an id as headers and paths have it: hexadecimal, without a prefix.</summary>
    /// <param name="text">The text.</param>
    /// <param name="id">The id.</param>
    public static bool TryParseId(string? text, out MemberId id)
    {
        bool valid = ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong value);
        id = new MemberId(value);
        return valid;
    }
}

/// <summary>Names of what members send in front of a request.</summary>
public static class PeerHeaders
{
    /// <summary>The sender's id.</summary>
    public const string ServerFrom = "X-Server-From";

    /// <summary>The sender's version; in the answer to a stream's request, the answering member's.</summary>
    public const string ServerVersion = "X-Server-Version";

    /// <summary>The oldest cluster version that the sender can work with.</summary>
    public const string MinClusterVersion = "X-Min-Cluster-Version";

    /// <summary>The cluster's id.</summary>
    public const string ClusterId = "X-Etcd-Cluster-ID";

    /// <summary>Whom a stream's request is meant for.</summary>
    public const string RaftTo = "X-Raft-To";

    /// <summary>The sender's peer URLs, separated by commas.</summary>
    public const string PeerUrls = "X-PeerURLs";

    /// <summary>The last entry that is in a state that is sent, decimal. Not etcd's.</summary>
    public const string StateIndex = "X-Etcd-State-Index";

    /// <summary>That entry's term, decimal. Not etcd's.</summary>
    public const string StateTerm = "X-Etcd-State-Term";
}

/// <summary>Paths on the peer port.</summary>
public static class PeerPaths
{
    /// <summary>One message as the body of a POST.</summary>
    public const string Pipeline = "/raft";

    /// <summary>GET with the sender's id behind it: all messages but those for the other stream.</summary>
    public const string MessageStream = "/raft/stream/message";

    /// <summary>GET with the sender's id behind it: a leader's entries.</summary>
    public const string MsgAppStream = "/raft/stream/msgapp";

    /// <summary>What all streams' paths begin with.</summary>
    public const string Streams = "/raft/stream/";

    /// <summary>A snapshot as the body of a POST.</summary>
    public const string Snapshot = "/raft/snapshot";

    /// <summary>GET: a sign of life with the time.</summary>
    public const string Probing = "/raft/probing";

    /// <summary>GET: the members.</summary>
    public const string Members = "/members";

    /// <summary>POST with a decimal id behind it: make a learner a voter.</summary>
    public const string Promote = "/members/promote/";

    /// <summary>GET: the hash of the history.</summary>
    public const string HashKv = "/members/hashkv";

    /// <summary>POST: renew a lease.</summary>
    public const string Leases = "/leases";

    /// <summary>POST: what is left of a lease.</summary>
    public const string LeasesInternal = "/leases/internal";

    /// <summary>GET: versions.</summary>
    public const string Version = "/version";

    /// <summary>GET: the whole state, for a member that has lost its own. Not etcd's.</summary>
    public const string State = "/members/state";

    /// <summary>GET: whether a downgrade is under way.</summary>
    public const string DowngradeEnabled = "/downgrade/enabled";
}

/// <summary>The two streams between members; each member opens both to each other one, and is sent messages on them.</summary>
public enum StreamKind
{
    /// <summary>For all messages but a leader's entries.</summary>
    Message,

    /// <summary>For a leader's entries.</summary>
    MsgApp,
}
