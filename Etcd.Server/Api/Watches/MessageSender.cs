using System.Diagnostics;
using Etcd.Server.Primitives;
using Etcd.Server.Watch;
using Grpc.Core;

namespace Etcd.Server.Api.Watches;

/// <summary>
/// Sends a stream's responses through gRPC, one by one. For a call with a deadline: gRPC ends it on a thread of its own, between two
/// messages that it has written itself and nowhere else.
/// </summary>
/// <param name="figures">Where the messages are counted.</param>
/// <param name="responses">gRPC's side.</param>
internal sealed class MessageSender(WatchFigures figures, IServerStreamWriter<WatchBatch> responses) : IDisposable
{
    private readonly WatchOutput _output = new();

    /// <summary>Is told when there is something to send.</summary>
    public IWatchOutput Output => _output;

    /// <summary>Sends until it is cancelled.</summary>
    /// <param name="stream">The responses.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task RunAsync(WatchStream stream, CancellationToken cancellation)
    {
        var buffered = new WriteOptions(WriteFlags.BufferHint);
        while (true)
        {
            await _output.WaitAsync(cancellation).ConfigureAwait(false);
            bool any = stream.TryTake(out WatchBatch? batch);
            long unflushed = 0;
            while (any)
            {
                // A run of responses leaves in as few writes as it can, but leaves: the hub may fill the queue as fast as it is
                // emptied here, and what is not flushed neither reaches the client nor waits for it.
                any = stream.TryTake(out WatchBatch? next);
                unflushed += batch!.PendingBytes;
                bool wait = any && unflushed < Limits.WatchUnflushedBytesMax;
                unflushed = wait ? unflushed : 0;
                responses.WriteOptions = wait ? buffered : null;
                cancellation.ThrowIfCancellationRequested();
                long began = Stopwatch.GetTimestamp();
                await responses.WriteAsync(batch, CancellationToken.None).ConfigureAwait(false);
                figures.CountSend(batch, Stopwatch.GetElapsedTime(began));
                batch = next;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _output.Dispose();
}
