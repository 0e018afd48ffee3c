using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;

namespace Etcd.Server.Api.Http;

/// <summary>The one method that these endpoints know.</summary>
internal static class Method
{
    /// <summary>True for GET (and HEAD, as Go's server allows it there); otherwise answers 405 as etcd does.</summary>
    public static bool IsGet(HttpContext http)
    {
        if (HttpMethods.IsGet(http.Request.Method))
        {
            return true;
        }

        http.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
        http.Response.Headers.Allow = "GET";
        return false;
    }
}

/// <summary>JSON strings without reflection.</summary>
[JsonSerializable(typeof(string))]
internal sealed partial class StringJson : JsonSerializerContext;
