using System.Text;
using System.Text.Json;
using Etcd.Server.Peer;
using Microsoft.AspNetCore.Http;

namespace Etcd.Server.Hosting.Peers;

/// <summary>Answers on the peer port, in the form that Go's server gives them.</summary>
internal static class PeerReply
{
    private const string PlainText = "text/plain; charset=utf-8";

    /// <summary>What the sender says of itself.</summary>
    public static PeerRequestHead Head(HttpRequest request) => new(
        Text(request, PeerHeaders.ServerFrom),
        Text(request, PeerHeaders.ServerVersion),
        Text(request, PeerHeaders.MinClusterVersion),
        Text(request, PeerHeaders.ClusterId),
        Text(request, PeerHeaders.RaftTo),
        Text(request, PeerHeaders.PeerUrls));

    /// <summary>Lets one method through; returns whether it is another one, which is then refused.</summary>
    /// <param name="http">The request.</param>
    /// <param name="method">The method.</param>
    /// <param name="naming">Whether the refusal names the method.</param>
    public static bool IsOtherMethod(HttpContext http, string method, bool naming = true)
    {
        if (http.Request.Method == method)
        {
            return false;
        }

        if (naming)
        {
            http.Response.Headers.Allow = method;
        }

        return true;
    }

    /// <summary>The refusal of another method.</summary>
    public static Task MethodNotAllowedAsync(HttpContext http) => ErrorAsync(http, StatusCodes.Status405MethodNotAllowed, "Method Not Allowed");

    /// <summary>An error as Go's http.Error writes it.</summary>
    public static Task ErrorAsync(HttpContext http, int status, string text)
    {
        http.Response.StatusCode = status;
        http.Response.Headers.XContentTypeOptions = "nosniff";
        return BytesAsync(http, PlainText, Encoding.UTF8.GetBytes(text + "\n"));
    }

    /// <summary>An error as etcd's HTTPError writes it: <c>{"message":"..."}</c>.</summary>
    public static Task JsonErrorAsync(HttpContext http, int status, string text)
    {
        http.Response.StatusCode = status;
        return BytesAsync(http, "application/json", Encoding.UTF8.GetBytes($$"""{"message":"{{JsonEncodedText.Encode(text)}}"}"""));
    }

    /// <summary>A body.</summary>
    public static Task BytesAsync(HttpContext http, string contentType, ReadOnlyMemory<byte> body)
    {
        http.Response.ContentType = contentType;
        http.Response.ContentLength = body.Length;
        return http.Response.Body.WriteAsync(body, http.RequestAborted).AsTask();
    }

    private static string? Text(HttpRequest request, string name) =>
        request.Headers.TryGetValue(name, out Microsoft.Extensions.Primitives.StringValues values) ? values[0] : null;
}
