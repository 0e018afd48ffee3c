using Grpc.AspNetCore.Server.Calls;
using Grpc.AspNetCore.Server.Http;
using Microsoft.AspNetCore.Http;

namespace Grpc.Core;

/// <summary>What ASP.NET adds to the context of a call.</summary>
public static class ServerCallContextExtensions
{
    internal const string HttpContextKey = "__HttpContext";

    /// <summary>The HTTP request of the call.</summary>
    /// <exception cref="InvalidOperationException">The call is not served by ASP.NET.</exception>
    public static HttpContext GetHttpContext(this ServerCallContext serverCallContext)
    {
        ArgumentNullException.ThrowIfNull(serverCallContext);
        if (serverCallContext is ServerCall { Stream: HttpContextCallStream stream })
        {
            return stream.HttpContext;
        }

        // An interceptor may have wrapped the context, and a test may have made one.
        return serverCallContext.UserState.TryGetValue(HttpContextKey, out var http) && http is HttpContext found
            ? found
            : throw new InvalidOperationException("The call is not served by ASP.NET Core, so it has no HttpContext.");
    }
}
