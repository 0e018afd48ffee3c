using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Etcd.Server.Hosting.Listeners;

/// <summary>What etcd's flags say about connections; the defaults are etcd's.</summary>
public sealed record ConnectionSettings
{
    /// <summary><c>--max-concurrent-streams</c>: open calls per connection.</summary>
    public uint StreamsPerConnectionMax { get; init; } = uint.MaxValue;

    /// <summary><c>--grpc-keepalive-interval</c>: an idle connection is pinged after this; zero or less turns pings off.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromHours(2);

    /// <summary><c>--grpc-keepalive-timeout</c>: the answer to a ping must come within this; zero or less turns pings off.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(20);
}

/// <summary>
/// Kestrel's settings, each chosen on purpose: its defaults suit web pages and break long streams, big messages and
/// many calls on one connection.
/// </summary>
public static class KestrelDefaults
{
    /// <summary>
    /// The most streams that can be announced. Kestrel keeps eight times this number in an int (twice for streams
    /// that are draining, four times that for its output queue); beyond it, it logs a warning for each connection.
    /// </summary>
    public const int StreamsPerConnectionCeiling = 1 << 27;

    /// <summary>What one call may have in flight towards the server.</summary>
    public const int StreamWindowBytes = 1024 * 1024;

    /// <summary>What one connection may have in flight: several calls' worth, so that one slow call does not stop the others.</summary>
    public const int ConnectionWindowBytes = 16 * 1024 * 1024;

    /// <summary>
    /// Metadata may carry tokens, and grpc-go sets no limit below 16 MiB; 1 MiB is room for any real client
    /// and bounds what a hostile one can make the server hold.
    /// </summary>
    public const int HeaderBytesMax = 1024 * 1024;

    /// <summary>
    /// How long a connection may be idle: in effect for ever. Kestrel's own "infinite" must not be used: it adds that to
    /// the clock, the sum overflows, and connections are closed at the first tick that finds them idle.
    /// </summary>
    public static readonly TimeSpan IdleConnectionTimeout = TimeSpan.FromDays(3650);

    /// <summary>Sets all that concerns connections and HTTP.</summary>
    public static void Apply(KestrelServerOptions kestrel, ConnectionSettings? settings = null)
    {
        ArgumentNullException.ThrowIfNull(kestrel);
        settings ??= new ConnectionSettings();
        kestrel.AddServerHeader = false;
        kestrel.AllowSynchronousIO = false;
        ApplyLimits(kestrel.Limits);
        ApplyHttp2(kestrel.Limits.Http2, settings);
    }

    /// <summary>Sets all that concerns sockets.</summary>
    public static void Apply(SocketTransportOptions sockets)
    {
        ArgumentNullException.ThrowIfNull(sockets);
        // As many connection attempts as the system lets wait (net.core.somaxconn); clients reconnect all at once.
        sockets.Backlog = 4096;
        sockets.NoDelay = true;

        // Fewer queues gather more of the ready sockets' work into one wake-up of a thread: docs/spike-grpc.md has the
        // figures of this setting and of the next two.
        sockets.IOQueueCount = Math.Clamp(Environment.ProcessorCount / 2, 1, 16);

        // Inline, the thread that polls all sockets would run the handlers.
        sockets.UnsafePreferInlineScheduling = false;

        // An idle connection, of which a cluster has thousands, holds no buffer.
        sockets.WaitForDataBeforeAllocatingBuffer = true;
    }

    private static void ApplyLimits(KestrelServerLimits limits)
    {
        // Messages have their own limit; a stream's body has none.
        limits.MaxRequestBodySize = null;

        // Kestrel would close the connection of a watcher that reads slowly or a stream that is silent.
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;

        limits.MaxConcurrentConnections = null;
        limits.MaxConcurrentUpgradedConnections = null;
        limits.MaxRequestHeadersTotalSize = HeaderBytesMax;
        limits.MaxRequestHeaderCount = 1000;
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(30);

        // gRPC clients keep idle connections open, and etcd never closes those.
        limits.KeepAliveTimeout = IdleConnectionTimeout;
    }

    private static void ApplyHttp2(Http2Limits http2, ConnectionSettings settings)
    {
        http2.MaxStreamsPerConnection = (int)Math.Clamp(settings.StreamsPerConnectionMax, 1u, StreamsPerConnectionCeiling);
        http2.InitialStreamWindowSize = StreamWindowBytes;
        http2.InitialConnectionWindowSize = ConnectionWindowBytes;
        http2.MaxRequestHeaderFieldSize = HeaderBytesMax;
        var pings = settings.KeepAliveInterval > TimeSpan.Zero && settings.KeepAliveTimeout > TimeSpan.Zero;
        http2.KeepAlivePingDelay = pings ? AtLeastOneSecond(settings.KeepAliveInterval) : TimeSpan.MaxValue;
        http2.KeepAlivePingTimeout = pings ? AtLeastOneSecond(settings.KeepAliveTimeout) : TimeSpan.MaxValue;
    }

    // Kestrel refuses shorter ones; grpc-go raises the interval to one second, too.
    private static TimeSpan AtLeastOneSecond(TimeSpan value) => value < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1) : value;
}
