using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Etcd.Server.Api.Http;

/// <summary>Answers of the HTTP endpoints in the form that Go's server gives them: with a length, errors with a line's end.</summary>
internal static class Reply
{
    /// <summary>The header that keeps browsers from guessing another type; Go sends it with errors.</summary>
    private const string NoSniff = "nosniff";

    private const string PlainText = "text/plain; charset=utf-8";

    /// <summary>Answers with a text that is no error.</summary>
    public static Task TextAsync(HttpContext http, string text, string contentType = PlainText)
    {
        http.Response.ContentType = contentType;
        http.Response.ContentLength = System.Text.Encoding.UTF8.GetByteCount(text);
        return http.Response.WriteAsync(text, http.RequestAborted);
    }

    /// <summary>Answers with an error.</summary>
    public static Task ErrorAsync(HttpContext http, int status, string text)
    {
        http.Response.StatusCode = status;
        http.Response.Headers.XContentTypeOptions = NoSniff;
        return TextAsync(http, text + "\n");
    }

    /// <summary>Answers that there is nothing.</summary>
    public static Task NotFoundAsync(HttpContext http) => ErrorAsync(http, StatusCodes.Status404NotFound, "404 page not found");

    /// <summary>Maps a path and no other: routing alone would also take a slash at its end, and other cases of letters.</summary>
    public static void MapExact(this IEndpointRouteBuilder app, string path, RequestDelegate handle) =>
        app.Map(path, http => http.Request.Path.Value == path ? handle(http) : NotFoundAsync(http));

    /// <summary>Refuses every method but GET; HEAD, too, as etcd does.</summary>
    public static Task MethodNotAllowedAsync(HttpContext http)
    {
        http.Response.Headers.Allow = HttpMethods.Get;
        return ErrorAsync(http, StatusCodes.Status405MethodNotAllowed, "Method Not Allowed");
    }
}

/// <summary>JSON strings without reflection.</summary>
[JsonSerializable(typeof(string))]
internal sealed partial class StringJson : JsonSerializerContext;
