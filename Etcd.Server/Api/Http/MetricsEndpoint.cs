using Etcd.Server.Api.Metrics;
using Microsoft.AspNetCore.Http;

namespace Etcd.Server.Api.Http;

/// <summary>GET /metrics: the member's metrics as Prometheus reads them.</summary>
internal static class MetricsEndpoint
{
    /// <summary>Answers the request, whatever its method, as etcd does.</summary>
    public static Task Handle(HttpContext http, ApiContext api) =>
        Reply.TextAsync(http, new MemberMetrics(api).Write(), MetricText.ContentType);
}
