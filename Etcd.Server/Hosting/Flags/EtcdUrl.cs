using System.Globalization;
using System.Net;

namespace Etcd.Server.Hosting.Flags;

/// <summary>
/// A URL as etcd's flags take it: <c>http://host:port</c>, <c>https://host:port</c>, <c>unix://path</c> or
/// <c>unixs://path</c>. The text is kept as it was given, because member ids are computed from it.
/// </summary>
/// <param name="Scheme">http, https, unix or unixs.</param>
/// <param name="Host">The host, without brackets; empty for a socket.</param>
/// <param name="Port">The port; 0 asks for a free one.</param>
/// <param name="Path">The socket's path; empty otherwise.</param>
/// <param name="Text">The URL as given.</param>
public sealed record EtcdUrl(string Scheme, string Host, int Port, string Path, string Text)
{
    /// <summary>Whether connections are encrypted.</summary>
    public bool IsTls => Scheme is "https" or "unixs";

    /// <summary>Whether it names a unix socket.</summary>
    public bool IsUnix => Scheme is "unix" or "unixs";

    /// <summary>Parses one URL.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="FormatException">It is not such a URL; the message says why.</exception>
    public static EtcdUrl Parse(string text)
    {
        text = text.Trim();
        int colon = text.IndexOf("://", StringComparison.Ordinal);
        string scheme = colon < 0 ? "" : text[..colon].ToLowerInvariant();
        string rest = colon < 0 ? text : text[(colon + 3)..];
        return scheme switch
        {
            "http" or "https" => ParseHostPort(scheme, rest, text),
            "unix" or "unixs" when rest.Length > 0 => new EtcdUrl(scheme, "", 0, rest, text),
            "unix" or "unixs" => throw new FormatException($"unix socket URL has no path: {text}"),
            _ => throw new FormatException($"URL scheme must be http, https, unix, or unixs: {text}"),
        };
    }

    /// <summary>Parses a list that is separated by commas, and sorts it by its text as etcd does.</summary>
    /// <param name="text">The list.</param>
    /// <exception cref="FormatException">One of them is wrong, or there is none.</exception>
    public static IReadOnlyList<EtcdUrl> ParseList(string text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            throw new FormatException("no valid URLs given");
        }

        return [.. text.Split(',').Select(Parse).OrderBy(u => u.Text, StringComparer.Ordinal)];
    }

    /// <summary>The address to bind: an IP address or localhost, as etcd asks for.</summary>
    /// <exception cref="FormatException">The host is a name that a socket cannot be bound to.</exception>
    public void CheckBindable()
    {
        if (!IsUnix && Host != "localhost" && !IPAddress.TryParse(Host, out _))
        {
            throw new FormatException($"expected IP in URL for binding ({Text})");
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    private static EtcdUrl ParseHostPort(string scheme, string rest, string text)
    {
        if (rest.Contains('/', StringComparison.Ordinal))
        {
            throw new FormatException($"URL must not contain a path: {text}");
        }

        int colon = rest.LastIndexOf(':');
        bool bracketed = rest.StartsWith('[');
        string host = colon < 0 ? "" : rest[..colon];
        if (colon < 0
            || !ushort.TryParse(rest[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out ushort port)
            || (bracketed ? !host.EndsWith(']') : host.Contains(':', StringComparison.Ordinal)))
        {
            throw new FormatException($"URL address does not have the form \"host:port\": {text}");
        }

        return new EtcdUrl(scheme, bracketed ? host[1..^1] : host, port, "", text);
    }
}
