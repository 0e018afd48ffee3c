namespace Etcd.Client;

/// <summary>The names under which the client reports to OpenTelemetry.</summary>
/// <example>
/// <code>
/// services.AddOpenTelemetry()
///     .WithTracing(tracing => tracing.AddSource(EtcdTelemetry.ActivitySourceName))
///     .WithMetrics(metrics => metrics.AddMeter(EtcdTelemetry.MeterName));
/// </code>
/// </example>
public static class EtcdTelemetry
{
    /// <summary>One span for each call, with all its attempts in it. Neither keys nor values are in it.</summary>
    public const string ActivitySourceName = "Etcd.Client";

    /// <summary>
    /// <c>db.client.operation.duration</c>, and below <c>etcd.client.</c>: <c>retries</c>, <c>reconnects</c>, <c>watch.active</c>,
    /// <c>watch.events</c>, <c>watch.paused</c>, <c>lease.active</c>, <c>lease.lost</c>, <c>lease.keepalive.failures</c>.
    /// </summary>
    public const string MeterName = "Etcd.Client";
}
