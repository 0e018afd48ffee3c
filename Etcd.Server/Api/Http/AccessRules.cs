using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Etcd.Server.Api.Http;

/// <summary>
/// Who may send HTTP requests that are no gRPC calls. A page in a browser must not reach a member by a name that its author has pointed
/// at it (DNS rebinding, CVE-2018-5702): without TLS the Host header must be on a list, if there is one. What pages of other origins may
/// do is said by CORS headers. Immutable.
/// </summary>
public sealed class AccessRules
{
    /// <summary>All hosts, or all origins.</summary>
    public static readonly IReadOnlySet<string> Everything = new HashSet<string>(StringComparer.Ordinal) { Any };

    private const string Any = "*";

    private readonly IReadOnlySet<string> _hosts;
    private readonly IReadOnlySet<string> _origins;

    /// <summary>Rules.</summary>
    /// <param name="hosts">Names that this member may be called by (--host-whitelist); empty, or with "*", all.</param>
    /// <param name="origins">Origins whose pages may call (--cors); empty, or with "*", all.</param>
    public AccessRules(IReadOnlySet<string> hosts, IReadOnlySet<string> origins)
    {
        _hosts = hosts;
        _origins = origins;
    }

    /// <summary>Checks a request and serves it, or refuses it.</summary>
    /// <param name="next">Serves it.</param>
    /// <param name="http">The request.</param>
    public Task InvokeAsync(RequestDelegate next, HttpContext http)
    {
        // Over HTTP/1.1 the same type is what any page may say of its request.
        if (HttpProtocol.IsHttp2(http.Request.Protocol)
            && http.Request.ContentType is { } type && type.StartsWith("application/grpc", StringComparison.Ordinal))
        {
            return next(http);
        }

        string host = HostName(http.Request.Host.Value ?? "");
        if (!http.Request.IsHttps && !IsAllowed(_hosts, host))
        {
            return Reply.ErrorAsync(http, StatusCodes.Status421MisdirectedRequest, UnknownHost(host));
        }

        AddCors(http);
        return HttpMethods.IsOptions(http.Request.Method) ? Task.CompletedTask : next(http);
    }

    private static bool IsAllowed(IReadOnlySet<string> set, string name) => set.Count == 0 || set.Contains(Any) || set.Contains(name);

    // What is no host and port is compared as it stands, as in etcd.
    private static string HostName(string host)
    {
        int colon = host.LastIndexOf(':');
        if (host.StartsWith('['))
        {
            int end = host.IndexOf(']', StringComparison.Ordinal);
            return end > 0 && colon == end + 1 ? host[1..end] : host;
        }

        return colon >= 0 && host.IndexOf(':', StringComparison.Ordinal) == colon ? host[..colon] : host;
    }

    private static string UnknownHost(string host) =>
        $"""

        etcd received your request, but the Host header was unrecognized.

        To fix this, choose one of the following options:
        - Enable TLS, then any HTTPS request will be allowed.
        - Add the hostname you want to use to the whitelist in settings.
          - e.g. etcd --host-whitelist "{host}"

        This requirement has been added to help prevent "DNS Rebinding" attacks (CVE-2018-5702).

        """.ReplaceLineEndings("\n");

    private void AddCors(HttpContext http)
    {
        StringValues origin = http.Request.Headers.Origin;
        string? allowed = _origins.Count == 0 || _origins.Contains(Any) ? Any
            : IsAllowed(_origins, origin.ToString()) ? origin.ToString()
            : null;
        if (allowed is not null)
        {
            http.Response.Headers.AccessControlAllowMethods = "POST, GET, OPTIONS, PUT, DELETE";
            http.Response.Headers.AccessControlAllowOrigin = allowed;
            http.Response.Headers.AccessControlAllowHeaders = "accept, content-type, authorization";
        }
    }
}

/// <summary>Puts <see cref="AccessRules"/> into an application.</summary>
public static class AccessRulesExtensions
{
    /// <summary>Checks all requests from here on.</summary>
    /// <param name="app">Where.</param>
    /// <param name="rules">The rules.</param>
    public static void UseAccessRules(this IApplicationBuilder app, AccessRules rules) =>
        app.Use(next => http => rules.InvokeAsync(next, http));
}
