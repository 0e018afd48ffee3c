using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;

namespace Etcd.Server.Hosting.Listeners;

/// <summary>
/// The connections that Kestrel has. When the server stops, Kestrel tells their clients to go away and waits for
/// the calls; what is still open after the grace period is aborted here, which ends its streams. Safe for concurrent use.
/// </summary>
internal sealed class LiveConnections(TimeSpan grace, TimeProvider time) : IDisposable
{
    private readonly ConcurrentDictionary<ConnectionContext, byte> _open = new(ReferenceEqualityComparer.Instance);
    private readonly Lock _lock = new();
    private ITimer? _timer;
    private bool _disposed;

    public void Add(ConnectionContext connection)
    {
        _open.TryAdd(connection, 0);
        connection.ConnectionClosed.UnsafeRegister(
            static (state, _) =>
            {
                var (live, closed) = ((LiveConnections, ConnectionContext))state!;
                live._open.TryRemove(closed, out byte _);
            },
            (this, connection));
    }

    public void BeginDrain()
    {
        lock (_lock)
        {
            if (!_disposed)
            {
                _timer ??= time.CreateTimer(static state => ((LiveConnections)state!).AbortAll(), this, grace, Timeout.InfiniteTimeSpan);
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _timer?.Dispose();
        }
    }

    private void AbortAll()
    {
        foreach (var connection in _open.Keys)
        {
            connection.Abort(new ConnectionAbortedException("The server is stopping."));
        }
    }
}
