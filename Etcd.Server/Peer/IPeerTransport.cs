using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Peer;

/// <summary>
/// The way to the other members. Every method may be called from any thread, returns at once and never throws for what the
/// network does: a message that cannot be queued or sent is dropped, which raft allows, and reported through
/// <see cref="IPeerInbox.ReportUnreachable"/> (or <see cref="IPeerInbox.ReportSnapshot"/>). Messages to one member on one
/// channel arrive in order or not at all.
/// </summary>
public interface IPeerTransport
{
    /// <summary>Sends messages to their <see cref="Message.To"/>; those to members that are not known are dropped.</summary>
    /// <param name="messages">Valid during the call only; the entries' bytes never change and may be kept.</param>
    void Send(ReadOnlySpan<Message> messages);

    /// <summary>Sends a snapshot and then reports whether it arrived.</summary>
    /// <param name="message">The message, with the metadata of what <paramref name="content"/> holds.</param>
    /// <param name="content">The state; disposed by the transport when it is done with it, whatever happens.</param>
    void SendSnapshot(in Message message, ISnapshotContent content);

    /// <summary>Says who the other members are now: new ones are connected to, those that are gone are let go.</summary>
    /// <param name="peers">All members but this one.</param>
    /// <param name="removed">Ids that were members once: their requests are answered with "gone".</param>
    void SetPeers(IReadOnlyList<PeerAddress> peers, IReadOnlyCollection<MemberId> removed);

    /// <summary>Since when a member has been reached without interruption; null if it is not reached now.</summary>
    /// <param name="member">The member.</param>
    DateTimeOffset? ActiveSince(MemberId member);
}

/// <summary>Where another member listens.</summary>
/// <param name="Member">Its id.</param>
/// <param name="Urls">Its peer URLs, as in the membership.</param>
public sealed record PeerAddress(MemberId Member, IReadOnlyList<string> Urls);

/// <summary>
/// What arrives from the other members; the node implements it. Every method may be called from any thread and returns
/// without waiting.
/// </summary>
public interface IPeerInbox
{
    /// <summary>
    /// A message of a peer, whose cluster and version were checked. The entries' bytes belong to the node from now on. Dropped if
    /// too much waits.
    /// </summary>
    /// <param name="message">The message.</param>
    void Deliver(in Message message);

    /// <summary>A snapshot has arrived whole and is durable.</summary>
    /// <param name="message">The message.</param>
    /// <param name="file">The path of the file that holds it; the node's from now on.</param>
    void DeliverSnapshot(in Message message, string file);

    /// <summary>Messages to a member were lost.</summary>
    /// <param name="member">The member.</param>
    void ReportUnreachable(MemberId member);

    /// <summary>A snapshot has been sent, or could not be.</summary>
    /// <param name="member">Whom it was for.</param>
    /// <param name="arrived">Whether the member has taken it.</param>
    void ReportSnapshot(MemberId member, bool arrived);
}
