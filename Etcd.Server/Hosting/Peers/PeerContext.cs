using Etcd.Server.Peer;
using Etcd.Server.Raft;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Peers;

/// <summary>What all parts of the way to the other members share.</summary>
/// <param name="Options">The settings.</param>
/// <param name="Inbox">Where messages arrive.</param>
/// <param name="Directory">Who belongs to the cluster.</param>
/// <param name="Http">Connections.</param>
/// <param name="Clock">The time.</param>
/// <param name="Metrics">The figures.</param>
/// <param name="Log">Where it is told.</param>
internal sealed record PeerContext(
    PeerTransportOptions Options,
    IPeerInbox Inbox,
    IPeerDirectory Directory,
    PeerHttp Http,
    TimeProvider Clock,
    PeerMetrics Metrics,
    ILogger Log)
{
    /// <summary>Who this member is.</summary>
    public PeerIdentity Identity => Options.Identity;

    /// <summary>Hands a message on if it is one for this member. Returns why it was not.</summary>
    public PeerRefusal? Receive(in Message message)
    {
        if (PeerAdmission.CheckMessage(Identity, message, Directory) is { } refusal)
        {
            PeerLog.MessageRefused(Log, Identity.Self.ToString(), message.From.ToString(), message.Type.ToString(), refusal.Text);
            return refusal;
        }

        if (!PeerAdmission.IsForTheNetwork(message.Type))
        {
            PeerLog.MessageRefused(Log, Identity.Self.ToString(), message.From.ToString(), message.Type.ToString(), "a local message came over the network");
            Metrics[message.From].CountReceiveFailure();
            return null;
        }

        Inbox.Deliver(message);
        return null;
    }

    /// <summary>Whether so much time has gone by since a timestamp; never for zero.</summary>
    public bool IsOver(long since, TimeSpan limit) => since != 0 && Clock.GetElapsedTime(since) > limit;

    /// <summary>The text of a failure for logs.</summary>
    public static string Reason(Exception e) => e.InnerException is { } inner ? $"{e.Message} ({inner.Message})" : e.Message;
}
