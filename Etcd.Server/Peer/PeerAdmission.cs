using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Peer;

/// <summary>What a member says of itself in front of a request; null where it says nothing.</summary>
/// <param name="From">X-Server-From.</param>
/// <param name="ServerVersion">X-Server-Version.</param>
/// <param name="MinClusterVersion">X-Min-Cluster-Version.</param>
/// <param name="ClusterId">X-Etcd-Cluster-ID.</param>
/// <param name="RaftTo">X-Raft-To.</param>
/// <param name="Urls">X-PeerURLs.</param>
public readonly record struct PeerRequestHead(
    string? From, string? ServerVersion, string? MinClusterVersion, string? ClusterId, string? RaftTo, string? Urls);

/// <summary>Why a request of a member is refused.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Text">The text; a peer tells some refusals by it.</param>
public readonly record struct PeerRefusal(int Status, string Text);

/// <summary>
/// Who of those that knock on the peer port is let in, with etcd's statuses and texts. Pure; callable from any thread.
/// </summary>
public static class PeerAdmission
{
    /// <summary>The text for a member whose version cannot work with this one's.</summary>
    public const string IncompatibleVersion = "incompatible version";

    /// <summary>The text for a member of another cluster.</summary>
    public const string ClusterMismatch = "cluster ID mismatch";

    /// <summary>The text for one who is no member as far as this one knows.</summary>
    public const string SenderNotFound = "error sender not found";

    private const int NotFound = 404;
    private const int Gone = 410;
    private const int PreconditionFailed = 412;
    private const int Forbidden = 403;

    // What a member said nothing of its version is, as etcd 2.0 did.
    private const string OldestVersion = "2.0.0";

    /// <summary>Whether versions and cluster fit; asked for every request that carries messages.</summary>
    /// <param name="self">This member.</param>
    /// <param name="head">What the other one says.</param>
    public static PeerRefusal? CheckCluster(PeerIdentity self, in PeerRequestHead head)
    {
        ArgumentNullException.ThrowIfNull(self);
        Version? server = ClaimedVersion.Number(OrOldest(head.ServerVersion));
        Version? minCluster = ClaimedVersion.Number(OrOldest(head.MinClusterVersion));
        if (server is null || server < ClaimedVersion.Number(ClaimedVersion.MinCluster)
            || minCluster is null || minCluster > ClaimedVersion.Number(self.Version.Server))
        {
            return new PeerRefusal(PreconditionFailed, IncompatibleVersion);
        }

        return head.ClusterId == self.ClusterText ? null : new PeerRefusal(PreconditionFailed, ClusterMismatch);
    }

    /// <summary>Whether a stream is opened, after <see cref="CheckCluster"/>.</summary>
    /// <param name="self">This member.</param>
    /// <param name="head">What the other one says.</param>
    /// <param name="path">The path.</param>
    /// <param name="members">Who belongs to the cluster.</param>
    /// <param name="kind">The stream.</param>
    /// <param name="from">Who asks.</param>
    public static PeerRefusal? CheckStream(
        PeerIdentity self, in PeerRequestHead head, string path, IPeerDirectory members, out StreamKind kind, out MemberId from)
    {
        ArgumentNullException.ThrowIfNull(self);
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(members);
        from = default;
        kind = default;
        int slash = path.LastIndexOf('/');
        switch (path[..Math.Max(slash, 0)])
        {
            case PeerPaths.MessageStream:
                kind = StreamKind.Message;
                break;
            case PeerPaths.MsgAppStream:
                kind = StreamKind.MsgApp;
                break;
            default:
                return new PeerRefusal(NotFound, "invalid path");
        }

        if (!PeerIdentity.TryParseId(path[(slash + 1)..], out from))
        {
            return new PeerRefusal(NotFound, "invalid from");
        }

        if (members.IsRemoved(from))
        {
            return new PeerRefusal(Gone, "removed member");
        }

        if (!members.IsMember(from))
        {
            return new PeerRefusal(NotFound, SenderNotFound);
        }

        return head.RaftTo == self.Self.ToString() ? null : new PeerRefusal(PreconditionFailed, "to field mismatch");
    }

    /// <summary>Whether a message is for this member and from one that may still speak; asked for every message.</summary>
    /// <param name="self">This member.</param>
    /// <param name="message">The message.</param>
    /// <param name="members">Who belongs to the cluster.</param>
    public static PeerRefusal? CheckMessage(PeerIdentity self, in Message message, IPeerDirectory members)
    {
        ArgumentNullException.ThrowIfNull(self);
        ArgumentNullException.ThrowIfNull(members);
        if (members.IsRemoved(message.From))
        {
            return new PeerRefusal(Forbidden, "cannot process message from removed member");
        }

        return message.To == self.Self ? null : new PeerRefusal(Forbidden, "cannot process message to mismatch member");
    }

    /// <summary>
    /// Whether such a message comes from a member at all: some types are a member's own affair, and one that reaches raft from
    /// outside could make it campaign.
    /// </summary>
    /// <param name="type">The type.</param>
    public static bool IsForTheNetwork(MessageType type) => type is
        MessageType.Prop or MessageType.App or MessageType.AppResp or MessageType.Vote or MessageType.VoteResp or MessageType.Snap
        or MessageType.Heartbeat or MessageType.HeartbeatResp or MessageType.TransferLeader or MessageType.TimeoutNow
        or MessageType.ReadIndex or MessageType.ReadIndexResp or MessageType.PreVote or MessageType.PreVoteResp;

    private static string OrOldest(string? version) => string.IsNullOrEmpty(version) ? OldestVersion : version;
}

/// <summary>Who belongs to the cluster as the peers' room knows it. Callable from any thread.</summary>
public interface IPeerDirectory
{
    /// <summary>Whether it is another member now.</summary>
    /// <param name="member">The id.</param>
    bool IsMember(MemberId member);

    /// <summary>Whether it was a member once and is none any more.</summary>
    /// <param name="member">The id.</param>
    bool IsRemoved(MemberId member);
}
