using Etcd.Server.Peer;
using Etcd.Server.Peer.Codec;
using Etcd.Server.Raft;
using Microsoft.AspNetCore.Http;

namespace Etcd.Server.Hosting.Peers;

/// <summary>
/// Takes a snapshot's content from a request into a file and hands both on when the file is durable. A transfer that breaks
/// leaves nothing behind; the sender tries again.
/// </summary>
internal sealed class SnapshotReceiver(PeerContext context, SnapshotFolder folder)
{
    /// <summary>Serves the rest of the request.</summary>
    /// <param name="http">The request.</param>
    /// <param name="message">The message that stood before the content.</param>
    /// <param name="messageBytes">Its length.</param>
    /// <param name="buffer">What has arrived of the content.</param>
    public async Task ReceiveAsync(HttpContext http, Message message, int messageBytes, ReceiveBuffer buffer)
    {
        PeerCounters counters = context.Metrics[message.From];
        string self = context.Identity.Self.ToString();
        long started = context.Clock.GetTimestamp();
        counters.BeginReceiveSnapshot();
        bool received = false;
        try
        {
            if (message.Type != MessageType.Snap || message.Snapshot is null)
            {
                await PeerReply.ErrorAsync(http, StatusCodes.Status400BadRequest, "wrong raft message type").ConfigureAwait(false);
                return;
            }

            if (PeerAdmission.CheckMessage(context.Identity, message, context.Directory) is { } refusal)
            {
                await PeerReply.JsonErrorAsync(http, refusal.Status, refusal.Text).ConfigureAwait(false);
                return;
            }

            ulong index = message.Snapshot.Index.Value;
            PeerLog.ReceivingSnapshot(context.Log, self, message.From.ToString(), index, messageBytes);
            long bytes;
            string file;
            try
            {
                (file, bytes) = await SaveAsync(http, message, buffer).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                PeerLog.SnapshotNotSaved(context.Log, self, message.From.ToString(), index, PeerContext.Reason(e));
                if (!http.RequestAborted.IsCancellationRequested)
                {
                    await PeerReply.ErrorAsync(
                        http, StatusCodes.Status500InternalServerError, $"failed to save KV snapshot ({PeerContext.Reason(e)})").ConfigureAwait(false);
                }

                return;
            }

            counters.CountReceived(bytes);
            PeerLog.ReceivedSnapshot(context.Log, self, message.From.ToString(), index, bytes);
            context.Inbox.DeliverSnapshot(message, file);
            received = true;
            http.Response.StatusCode = StatusCodes.Status204NoContent;
        }
        finally
        {
            counters.EndReceiveSnapshot(received, context.Clock.GetElapsedTime(started));
        }
    }

    private async Task<(string File, long Bytes)> SaveAsync(HttpContext http, Message message, ReceiveBuffer buffer)
    {
        long began = context.Clock.GetTimestamp();
        using SnapshotFolder.Incoming incoming = folder.Begin();
        do
        {
            incoming.Write(buffer.Received);
            buffer.Take(buffer.Received.Length);
        }
        while (await PeerEndpoints.ReadSomeAsync(http, buffer, context.Options.SnapshotStall).ConfigureAwait(false) > 0);

        // The sync of a large file may take long: it has a thread of its own.
        string file = await Task.Factory.StartNew(
            () => incoming.Finish(message.Snapshot!.Index, context.Metrics.SnapshotSyncs, context.Clock),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).ConfigureAwait(false);
        context.Metrics.SnapshotSaves.Observe(context.Clock.GetElapsedTime(began));
        return (file, incoming.Length);
    }
}
