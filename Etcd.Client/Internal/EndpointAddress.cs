using System.Diagnostics.CodeAnalysis;

namespace Etcd.Client;

/// <summary>Where a member listens for clients.</summary>
/// <param name="Text">As it was given.</param>
/// <param name="Uri">An http or https URI; for a Unix socket the host is only a name.</param>
/// <param name="SocketPath">The file of a Unix socket, or null.</param>
internal sealed record EndpointAddress(string Text, Uri Uri, string? SocketPath)
{
    private const string SchemeEnd = "://";

    public bool IsTls => Uri.Scheme == Uri.UriSchemeHttps;

    public static EndpointAddress Parse(string text) => TryParse(text, out EndpointAddress? address)
        ? address
        : throw new FormatException($"'{text}' is not the address of an endpoint.");

    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out EndpointAddress? address)
    {
        address = null;
        if (string.IsNullOrWhiteSpace(text))
            return false;
        if (TakeScheme(text, "unix:") is { } path)
            return TryUnix(text, path, Uri.UriSchemeHttp, out address);
        if (TakeScheme(text, "unixs:") is { } securePath)
            return TryUnix(text, securePath, Uri.UriSchemeHttps, out address);
        string url = text.Contains(SchemeEnd, StringComparison.Ordinal) ? text : Uri.UriSchemeHttp + SchemeEnd + text;
        url = Replace(url, "etcd://", "http://");
        url = Replace(url, "etcds://", "https://");
        return TryHttp(text, url, out address);
    }

    private static bool TryUnix(string text, string path, string scheme, out EndpointAddress? address)
    {
        address = path.Length == 0 ? null : new EndpointAddress(text, new Uri(scheme + "://localhost"), path);
        return address is not null;
    }

    private static bool TryHttp(string text, string url, out EndpointAddress? address)
    {
        address = Uri.TryCreate(url, UriKind.Absolute, out Uri? uri)
            && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
            && uri.Host.Length != 0 && uri.PathAndQuery == "/" && uri.UserInfo.Length == 0
            ? new EndpointAddress(text, uri, null)
            : null;
        return address is not null;
    }

    // unix:///absolute, unix:/absolute, unix:relative and unix://relative, as etcd takes them.
    private static string? TakeScheme(string text, string scheme)
    {
        if (!text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase))
            return null;
        string rest = text[scheme.Length..];
        return rest.StartsWith("//", StringComparison.Ordinal) ? rest[2..] : rest;
    }

    private static string Replace(string url, string scheme, string by) =>
        url.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) ? by + url[scheme.Length..] : url;
}
