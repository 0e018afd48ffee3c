using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Node;

/// <content>What arrives from the other members.</content>
public sealed partial class MemberNode
{
    /// <inheritdoc/>
    public void Deliver(in Message message)
    {
        // Of its own affairs a member believes only itself.
        if (!message.Type.IsLocal() && message.Type != MessageType.Snap)
        {
            Take(message, null);
        }
    }

    /// <inheritdoc/>
    public void DeliverSnapshot(in Message message, string file)
    {
        if (message.Type == MessageType.Snap && message.Snapshot is not null)
        {
            Take(message, file);
        }
        else
        {
            Discard(file);
        }
    }

    /// <inheritdoc/>
    public void ReportUnreachable(MemberId member) => Take(new Message { Type = MessageType.Unreachable, From = member }, null);

    /// <inheritdoc/>
    public void ReportSnapshot(MemberId member, bool arrived) =>
        Take(new Message { Type = MessageType.SnapStatus, From = member, Reject = !arrived }, null);

    private void Take(in Message message, string? file)
    {
        _arrivals.Enqueue(new Arrival(message, file));
        RunOnce();
    }
}
