using System.Diagnostics;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Etcd.Server.Api.Metrics;

/// <summary>
/// Counts gRPC calls, where their end is seen whatever ended it. A call that is answered at once costs counters only; one that waits
/// is waited for once more.
/// </summary>
internal static class CallMeter
{
    private const string ClientVersion = "client-api-version";

    /// <summary>Makes a service's methods countable.</summary>
    /// <param name="service">The mapped service.</param>
    /// <param name="figures">Where they are counted.</param>
    public static void Counted(this GrpcServiceEndpointConventionBuilder service, GrpcFigures figures) => service.Add(endpoint =>
    {
        if (endpoint.Metadata.OfType<GrpcMethodMetadata>().FirstOrDefault() is { } mapped)
        {
            endpoint.Metadata.Add(figures.Of(mapped.Method));
        }
    });

    /// <summary>Counts calls from here on.</summary>
    /// <param name="app">Where.</param>
    /// <param name="figures">Where they are counted.</param>
    public static void UseCallMeter(this IApplicationBuilder app, GrpcFigures figures) =>
        app.Use(next => http => InvokeAsync(next, http, figures));

    /// <summary>Serves a request and counts it if it is a call.</summary>
    public static Task InvokeAsync(RequestDelegate next, HttpContext http, GrpcFigures figures)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<MethodFigures>() is not { } method)
        {
            return next(http);
        }

        figures.CountClient(method.IsUnary, http.Request.Headers[ClientVersion]);
        method.Started.Add();
        long began = method.Durations is null ? 0 : Stopwatch.GetTimestamp();
        Task call = next(http);
        if (!call.IsCompletedSuccessfully)
        {
            return AwaitAsync(call, http, method, began);
        }

        End(http, method, began);
        return Task.CompletedTask;
    }

    private static async Task AwaitAsync(Task call, HttpContext http, MethodFigures method, long began)
    {
        try
        {
            await call.ConfigureAwait(false);
        }
        finally
        {
            End(http, method, began);
        }
    }

    private static void End(HttpContext http, MethodFigures method, long began)
    {
        method.CountHandled(StatusOf(http));
        method.Durations?.Observe(Stopwatch.GetElapsedTime(began));
    }

    private static StatusCode StatusOf(HttpContext http)
    {
        string? status = http.Response.Headers.GrpcStatus;
        status ??= http.Features.Get<IHttpResponseTrailersFeature>()?.Trailers.GrpcStatus;
        // Without a status nobody was there to hear it.
        return status is null ? StatusCode.Cancelled
            : int.TryParse(status, out int code) ? (StatusCode)code : StatusCode.Unknown;
    }
}
