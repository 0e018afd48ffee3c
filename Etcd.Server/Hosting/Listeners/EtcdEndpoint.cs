using System.Globalization;
using System.Net;
using System.Net.Sockets;

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
        var text = url.Trim();
        var colon = text.IndexOf("://", StringComparison.Ordinal);
        var scheme = colon < 0 ? string.Empty : text[..colon].ToLowerInvariant();
        var rest = colon < 0 ? string.Empty : text[(colon + 3)..];
        return scheme switch
        {
            "http" or "https" => ParseTcp(text, scheme, rest),
            "unix" or "unixs" when rest.Length > 0 => new EtcdEndpoint(scheme, rest, 0),
            "unix" or "unixs" => throw new FormatException($"unix socket URL has no path: {text}"),
            _ => throw new FormatException($"URL scheme must be http, https, unix, or unixs: {text}"),
        };
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

        var address = Host.Length == 0 ? IPAddress.Any : IPAddress.Parse(Host);
        return address.Equals(IPAddress.Any) && Socket.OSSupportsIPv6
            ? new IPEndPoint(IPAddress.IPv6Any, Port)
            : new IPEndPoint(address, Port);
    }

    private static EtcdEndpoint ParseTcp(string text, string scheme, string rest)
    {
        var slash = rest.IndexOfAny(['/', '?', '#']);
        var authority = slash < 0 ? rest : rest[..slash];
        if (!TrySplitHostPort(authority, out var host, out var port))
        {
            throw new FormatException($"URL address does not have the form \"host:port\": {text}");
        }

        if (slash >= 0)
        {
            throw new FormatException($"URL must not contain a path: {text}");
        }

        if (host.Length > 0 && !host.Equals("localhost", StringComparison.OrdinalIgnoreCase) && !IPAddress.TryParse(host, out _))
        {
            throw new FormatException($"expected IP in URL for binding ({text})");
        }

        return new EtcdEndpoint(scheme, host, port);
    }

    private static bool TrySplitHostPort(string authority, out string host, out int port)
    {
        host = string.Empty;
        port = 0;
        var colon = authority.LastIndexOf(':');
        if (colon < 0 || !ushort.TryParse(authority.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }

        host = authority[..colon];
        port = number;
        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            host = host[1..^1];
            return true;
        }

        return !host.Contains(':', StringComparison.Ordinal);
    }
}
