using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Etcd.Server.Hosting.Flags;

namespace Etcd.Server.Hosting.Listeners;

/// <summary>
/// One listen URL as etcd's flags take it: <c>http://127.0.0.1:2379</c>, <c>https://[::]:2379</c>,
/// <c>unix://path</c> or <c>unixs://path</c>. Immutable; a value that exists can be bound to.
/// </summary>
public sealed record EtcdEndpoint
{
    private EtcdEndpoint(string scheme, string host, int port)
    {
        Scheme = scheme;
        Host = host;
        Port = port;
    }

    /// <summary><c>http</c>, <c>https</c>, <c>unix</c> or <c>unixs</c>.</summary>
    public string Scheme { get; }

    /// <summary>The host as written (brackets removed), or the path of a unix socket.</summary>
    public string Host { get; }

    /// <summary>The TCP port, 0 for any free one; 0 for unix sockets, too.</summary>
    public int Port { get; }

    /// <summary>Whether connections are TLS.</summary>
    public bool IsTls => Scheme is "https" or "unixs";

    /// <summary>Whether this is a unix domain socket, <see cref="Host"/> being its path.</summary>
    public bool IsUnixSocket => Scheme is "unix" or "unixs";

    /// <summary>Reads a listen URL.</summary>
    /// <exception cref="FormatException">The text is not such a URL; the message has etcd's wording.</exception>
    public static EtcdEndpoint Parse(string url)
    {
        ArgumentNullException.ThrowIfNull(url);
        return From(EtcdUrl.Parse(url));
    }

    /// <summary>A URL as one to listen on.</summary>
    /// <exception cref="FormatException">Its host is a name that a socket cannot be bound to.</exception>
    public static EtcdEndpoint From(EtcdUrl url)
    {
        ArgumentNullException.ThrowIfNull(url);
        url.CheckBindable();
        return new EtcdEndpoint(url.Scheme, url.IsUnix ? url.Path : url.Host, url.Port);
    }

    /// <summary>The same endpoint at the port that the system chose.</summary>
    public EtcdEndpoint WithPort(int port) => new(Scheme, Host, port);

    /// <summary>The URL.</summary>
    public override string ToString()
    {
        if (IsUnixSocket)
        {
            return $"{Scheme}://{Host}";
        }

        var host = Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host;
        return string.Create(CultureInfo.InvariantCulture, $"{Scheme}://{host}:{Port}");
    }

    /// <summary>
    /// What the socket is bound to. The unspecified address of either family means all addresses of both,
    /// and <c>localhost</c> means IPv4 loopback: that is what a Go listener does with them.
    /// </summary>
    internal EndPoint ToSocketAddress()
    {
        if (IsUnixSocket)
        {
            return new UnixDomainSocketEndPoint(Host);
        }

        if (Host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
        {
            return new IPEndPoint(IPAddress.Loopback, Port);
        }

        var address = IPAddress.Parse(Host);
        return address.Equals(IPAddress.Any) && Socket.OSSupportsIPv6
            ? new IPEndPoint(IPAddress.IPv6Any, Port)
            : new IPEndPoint(address, Port);
    }
}
