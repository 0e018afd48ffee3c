using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;

namespace Etcd.Server.Hosting.Peers;

/// <summary>
/// Connections to other members: HTTP/1.1, without proxies, redirects or cookies. Streams have connections of their own,
/// which are closed with them. Any thread.
/// </summary>
internal sealed class PeerHttp : IDisposable
{
    private readonly ConcurrentDictionary<string, string> _unixPaths = new(StringComparer.Ordinal);
    private readonly SslClientAuthenticationOptions? _tls;
    private readonly TimeSpan _dialTimeout;

    /// <summary>Opens nothing yet.</summary>
    /// <param name="dialTimeout">How long a connection may take to open.</param>
    /// <param name="tls">For https and unixs URLs; null for the system's authorities.</param>
    public PeerHttp(TimeSpan dialTimeout, SslClientAuthenticationOptions? tls)
    {
        _dialTimeout = dialTimeout;
        _tls = tls;
        Streams = new HttpMessageInvoker(NewHandler());
        Requests = new HttpMessageInvoker(NewHandler());
    }

    /// <summary>For streams.</summary>
    public HttpMessageInvoker Streams { get; }

    /// <summary>For all else.</summary>
    public HttpMessageInvoker Requests { get; }

    /// <summary>A request to a member.</summary>
    /// <param name="method">The method.</param>
    /// <param name="url">One of its peer URLs.</param>
    /// <param name="path">The path.</param>
    public HttpRequestMessage NewRequest(HttpMethod method, string url, string path) =>
        new(method, new Uri(BaseOf(url) + path)) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };

    /// <summary>A request that carries messages, with what etcd sends in front of it.</summary>
    /// <param name="method">The method.</param>
    /// <param name="url">One of the member's peer URLs.</param>
    /// <param name="path">The path.</param>
    /// <param name="self">This member.</param>
    public HttpRequestMessage NewRequest(HttpMethod method, string url, string path, PeerIdentity self)
    {
        HttpRequestMessage request = NewRequest(method, url, path);
        request.Headers.TryAddWithoutValidation(PeerHeaders.ServerFrom, self.Self.ToString());
        request.Headers.TryAddWithoutValidation(PeerHeaders.ServerVersion, self.Version.Server);
        request.Headers.TryAddWithoutValidation(PeerHeaders.MinClusterVersion, ClaimedVersion.MinCluster);
        request.Headers.TryAddWithoutValidation(PeerHeaders.ClusterId, self.ClusterText);
        if (self.Urls.Count > 0)
        {
            request.Headers.TryAddWithoutValidation(PeerHeaders.PeerUrls, string.Join(',', self.Urls));
        }

        return request;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Streams.Dispose();
        Requests.Dispose();
    }

    private SocketsHttpHandler NewHandler() => new()
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
        ConnectTimeout = _dialTimeout,
        // The other end closes what is idle for longer than its read timeout.
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(4),
        // A stream that is given up is closed, not read to its end, which never comes.
        MaxResponseDrainSize = 0,
        MaxResponseHeadersLength = 64,
        ConnectCallback = ConnectAsync,
        SslOptions = _tls ?? new SslClientAuthenticationOptions(),
    };

    /// <summary>A unix socket has no host that HTTP could name: it gets one, by which the path is found again.</summary>
    private string BaseOf(string url)
    {
        EtcdUrl parsed = EtcdUrl.Parse(url);
        if (!parsed.IsUnix)
        {
            return parsed.Text;
        }

        string host = "unix-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(parsed.Path)).AsSpan(0, 16));
        _unixPaths[host] = parsed.Path;
        return (parsed.IsTls ? "https://" : "http://") + host;
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        bool isUnix = _unixPaths.TryGetValue(context.DnsEndPoint.Host, out string? path);
        var socket = isUnix
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            EndPoint target = isUnix ? new UnixDomainSocketEndPoint(path!) : context.DnsEndPoint;
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
