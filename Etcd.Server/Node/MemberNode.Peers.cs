using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Node;

/// <content>What arrives from the other members.</content>
public sealed partial class MemberNode
{
    // What a message without entries takes up, about.
    private const int MessageOverheadBytes = 256;

    private long _arrivingBytes;

    /// <inheritdoc/>
    public void Deliver(in Message message)
    {
        // Of its own affairs a member believes only itself.
        if (message.Type.IsLocal() || message.Type == MessageType.Snap)
        {
            return;
        }

        int bytes = BytesOf(message);
        long waiting = Interlocked.Add(ref _arrivingBytes, bytes);
        if (waiting > Limits.PeerArrivingBytesMax && waiting > bytes)
        {
            Interlocked.Add(ref _arrivingBytes, -bytes);
            return;
        }

        Take(new Arrival(message, null, bytes));
    }

    /// <inheritdoc/>
    public void DeliverSnapshot(in Message message, string file)
    {
        if (message.Type == MessageType.Snap && message.Snapshot is not null)
        {
            Take(new Arrival(message, file, 0));
        }
        else
        {
            Discard(file);
        }
    }

    /// <inheritdoc/>
    public void ReportUnreachable(MemberId member) => Take(new Arrival(new Message { Type = MessageType.Unreachable, From = member }, null, 0));

    /// <inheritdoc/>
    public void ReportSnapshot(MemberId member, bool arrived) =>
        Take(new Arrival(new Message { Type = MessageType.SnapStatus, From = member, Reject = !arrived }, null, 0));

    private static int BytesOf(in Message message)
    {
        long bytes = MessageOverheadBytes;
        foreach (ref readonly Entry entry in message.Entries.Span)
        {
            bytes += MessageOverheadBytes + entry.Data.Length;
        }

        return (int)Math.Min(bytes, int.MaxValue);
    }

    private void Take(in Arrival arrival)
    {
        if (Volatile.Read(ref _stopped) is null)
        {
            _arrivals.Enqueue(arrival);
            RunOnce();
        }
    }

    /// <summary>A message that came from a peer, or a local one; what it counts for in <see cref="_arrivingBytes"/>.</summary>
    private readonly record struct Arrival(Message Message, string? File, int Bytes);
}
