using System.Diagnostics;
using System.IO.Pipelines;
using Etcd.Server.Primitives;
using Etcd.Server.Watch;

namespace Etcd.Server.Api.Watches;

/// <summary>
/// Sends a stream's responses by writing gRPC's messages into the response's body, many at a time. While the client keeps up that happens
/// on the thread that has made them: to copy them into the connection's buffers is less work than to wake another thread. When the
/// client does not keep up, the task goes on where the connection has room again.
/// </summary>
/// <param name="api">The node.</param>
/// <param name="figures">Where the messages are counted.</param>
/// <param name="body">The response's body; nobody else writes to it.</param>
internal sealed class FrameSender(ApiContext api, WatchFigures figures, PipeWriter body) : IWatchOutput
{
    private readonly WakeUp _available = new();
    private readonly List<WatchShare> _taken = [];

    /// <inheritdoc/>
    public void OnAvailable() => _available.Set();

    /// <summary>Sends until it is cancelled.</summary>
    /// <param name="stream">The responses.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task RunAsync(WatchStream stream, CancellationToken cancellation)
    {
        using CancellationTokenRegistration registration = cancellation.UnsafeRegister(static available => ((WakeUp)available!).Set(), _available);
        try
        {
            while (true)
            {
                cancellation.ThrowIfCancellationRequested();
                if (stream.TryTakeMany(Limits.WatchUnflushedBytesMax, _taken))
                {
                    long began = Stopwatch.GetTimestamp();
                    Write();
                    await body.FlushAsync(cancellation).ConfigureAwait(false);
                    figures.CountSends(_taken, Stopwatch.GetElapsedTime(began));
                    _taken.Clear();
                }
                else
                {
                    await _available.WaitAsync().ConfigureAwait(false);
                }
            }
        }
        finally
        {
            // Who waits for the end must not go on where this has been: inside of the watch room.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        }
    }

    private void Write()
    {
        var header = new WatchHeader(api.Status.ClusterId, api.Status.MemberId.Value, api.Status.Term.Value);
        long bytes = 0;
        int messages = 0;
        foreach (WatchShare share in _taken)
        {
            bytes += WatchFrames.Write(body, share, header);
            messages += share.Count;
        }

        figures.CountMessages(messages, bytes);
    }
}
