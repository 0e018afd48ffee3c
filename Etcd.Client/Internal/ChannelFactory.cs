using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging;

namespace Etcd.Client;

/// <summary>
/// Makes the channel of an endpoint, on a handler of its own: watches and keep-alives are long streams, which the handlers of an
/// HttpClientFactory with their timeouts and lifetimes would cut off.
/// </summary>
internal sealed class ChannelFactory(EtcdClientOptions options, ILoggerFactory loggers)
{
    // Watches bring long runs of events: at the default of 64 KiB each run would wait for window updates.
    private const int StreamWindowBytes = 1024 * 1024;

    private readonly TlsMaterial? _tls = options.Tls is { } tls ? new TlsMaterial(tls, loggers.CreateLogger("Etcd.Client")) : null;

    public GrpcChannel Create(EndpointAddress address) => GrpcChannel.ForAddress(
        address.Uri,
        new GrpcChannelOptions
        {
            HttpHandler = CreateHandler(address),
            DisposeHttpClient = true,
            MaxReceiveMessageSize = options.MaxReceiveMessageSize,
            MaxSendMessageSize = null,
            LoggerFactory = loggers,
        });

    private SocketsHttpHandler CreateHandler(EndpointAddress address)
    {
        var handler = new SocketsHttpHandler
        {
            EnableMultipleHttp2Connections = true,
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ConnectTimeout = options.ConnectTimeout,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            InitialHttp2StreamWindowSize = StreamWindowBytes,
            // With calls only: etcd ends connections that ping without any.
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            KeepAlivePingDelay = options.KeepAliveInterval,
            KeepAlivePingTimeout = options.KeepAliveTimeout,
        };
        if (address.SocketPath is not null || (address.IsTls && _tls is not null))
            handler.ConnectCallback = (context, cancellation) => ConnectAsync(address, context, cancellation);
        return handler;
    }

    private async ValueTask<Stream> ConnectAsync(EndpointAddress address, SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        Stream stream = await OpenSocketAsync(address, context.DnsEndPoint, cancellation).ConfigureAwait(false);
        if (!address.IsTls || _tls is null)
            return stream;
        // The handler takes a stream that is encrypted already as it is; so each handshake can have the latest certificates.
        SslClientAuthenticationOptions tls = _tls.CreateOptions(address.Uri.IdnHost);
        tls.ApplicationProtocols = [SslApplicationProtocol.Http2];
        var secured = new SslStream(stream);
        try
        {
            await secured.AuthenticateAsClientAsync(tls, cancellation).ConfigureAwait(false);
            return secured;
        }
        catch
        {
            await secured.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async ValueTask<Stream> OpenSocketAsync(EndpointAddress address, DnsEndPoint host, CancellationToken cancellation)
    {
        Socket socket = address.SocketPath is null
            ? new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
            : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            EndPoint target = address.SocketPath is null ? host : new UnixDomainSocketEndPoint(address.SocketPath);
            await socket.ConnectAsync(target, cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
