using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Etcd.Server.Hosting.Listeners;

/// <summary>
/// The connections whose protocol is not known yet. Each has a deadline, and there is a limit to their number: beyond
/// it the oldest is closed. Safe for concurrent use.
/// </summary>
internal sealed class SilentConnections(EtcdListenerOptions options, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Peek> _oldestFirst = new();
    private bool _closed;

    /// <summary>The protocol, or null if the connection ended, was silent for too long or had to make room.</summary>
    public async ValueTask<WireProtocol?> PeekAsync(ConnectionContext connection)
    {
        var input = connection.Transport.Input;
        using var peek = new Peek(options.FirstBytesTimeout, time);
        if (!TryEnter(peek, out var crowdedOut))
        {
            return null;
        }

        crowdedOut?.Stop();
        try
        {
            return await ReadFirstBytesAsync(input, peek.Stopped).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        catch (Exception failure) when (failure is ConnectionAbortedException or ConnectionResetException or IOException)
        {
            // The client went away before it said anything.
            return null;
        }
        finally
        {
            Leave(peek);
        }
    }

    /// <summary>Ends all peeks and lets no new one in.</summary>
    public async ValueTask CloseAllAsync()
    {
        Peek[] waiting;
        lock (_lock)
        {
            _closed = true;
            waiting = [.. _oldestFirst];
        }

        foreach (var peek in waiting)
        {
            peek.Stop();
            await peek.Finished.ConfigureAwait(false);
        }
    }

    private static async ValueTask<WireProtocol?> ReadFirstBytesAsync(PipeReader input, CancellationToken stopped)
    {
        while (true)
        {
            var result = await input.ReadAsync(stopped).ConfigureAwait(false);
            var protocol = result.Buffer.IsEmpty ? null : FirstBytes.Classify(result.Buffer);
            if (protocol is not null || result.IsCompleted)
            {
                // Nothing is consumed nor examined: the next reader gets these bytes at once.
                input.AdvanceTo(result.Buffer.Start);
                return protocol;
            }

            input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    private bool TryEnter(Peek peek, out Peek? crowdedOut)
    {
        lock (_lock)
        {
            crowdedOut = null;
            if (_closed)
            {
                return false;
            }

            if (_oldestFirst.Count >= options.SilentConnectionsMax && _oldestFirst.First is { } oldest)
            {
                crowdedOut = oldest.Value;
                _oldestFirst.Remove(oldest);
            }

            _oldestFirst.AddLast(peek.Node);
            return true;
        }
    }

    private void Leave(Peek peek)
    {
        lock (_lock)
        {
            peek.Node.List?.Remove(peek.Node);
        }

        peek.Finish();
    }

    private sealed class Peek : IDisposable
    {
        private readonly CancellationTokenSource _stop;
        private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Peek(TimeSpan timeout, TimeProvider time)
        {
            _stop = new CancellationTokenSource(timeout, time);
            Node = new LinkedListNode<Peek>(this);
        }

        public LinkedListNode<Peek> Node { get; }

        public CancellationToken Stopped => _stop.Token;

        public Task Finished => _finished.Task;

        public void Stop()
        {
            try
            {
                _stop.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It ended by itself in the meantime.
            }
        }

        public void Finish() => _finished.TrySetResult();

        public void Dispose() => _stop.Dispose();
    }
}
