namespace Etcd.Configuration;

/// <summary>The names under which the provider reports to OpenTelemetry and to logging.</summary>
/// <example>
/// <code>
/// services.AddOpenTelemetry()
///     .WithTracing(tracing => tracing.AddSource(EtcdConfigurationTelemetry.ActivitySourceName))
///     .WithMetrics(metrics => metrics.AddMeter(EtcdConfigurationTelemetry.MeterName));
/// </code>
/// </example>
public static class EtcdConfigurationTelemetry
{
    /// <summary>One span for each load and each reload: <c>etcd.configuration.load</c>, <c>etcd.configuration.reload</c>.</summary>
    public const string ActivitySourceName = "Etcd.Configuration";

    /// <summary>
    /// Below <c>etcd.configuration.</c>: <c>loads</c> (by <c>outcome</c>), <c>revision</c>, <c>age</c> and <c>settings</c> (by <c>keys</c>, which are the
    /// selected prefixes).
    /// </summary>
    public const string MeterName = "Etcd.Configuration";

    /// <summary>The category of logs.</summary>
    public const string LogCategory = "Etcd.Configuration";
}
