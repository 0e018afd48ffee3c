using System.Collections.Frozen;
using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Etcd.Server.Api;

/// <summary>
/// Finds the endpoint of a gRPC call by its path, in front of routing. For the router each such path has several candidates, those that answer
/// unknown methods and all other paths too, and it makes objects of each request to choose the first of them. What is not found here is the router's.
/// </summary>
/// <param name="endpoints">All that is mapped.</param>
internal sealed class CallRoutes(EndpointDataSource endpoints)
{
    private volatile FrozenDictionary<string, Endpoint>? _calls;

    // They are mapped by the time of the first request.
    private FrozenDictionary<string, Endpoint> Calls => _calls ??= endpoints.Endpoints
        .Select(endpoint => (endpoint, Method: endpoint.Metadata.GetMetadata<GrpcMethodMetadata>()?.Method))
        .Where(mapped => mapped.Method is not null)
        .ToFrozenDictionary(mapped => mapped.Method!.FullName, mapped => mapped.endpoint, StringComparer.Ordinal);

    /// <summary>Sets the endpoint if it is a call of a known method.</summary>
    /// <param name="next">Serves the request.</param>
    /// <param name="http">The request.</param>
    public Task InvokeAsync(RequestDelegate next, HttpContext http)
    {
        if (HttpMethods.IsPost(http.Request.Method) && http.Request.Path.Value is { } path && Calls.TryGetValue(path, out Endpoint? endpoint))
        {
            http.SetEndpoint(endpoint);
        }

        return next(http);
    }
}

/// <summary>Puts <see cref="CallRoutes"/> into an application.</summary>
internal static class CallRoutesExtensions
{
    /// <summary>Routing, with calls found before.</summary>
    /// <param name="app">Where.</param>
    public static void UseCallRouting(this IApplicationBuilder app)
    {
        var routes = new CallRoutes(app.ApplicationServices.GetRequiredService<EndpointDataSource>());
        app.Use(next => http => routes.InvokeAsync(next, http));
        app.UseRouting();
    }
}
