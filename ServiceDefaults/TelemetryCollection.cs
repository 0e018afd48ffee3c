using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Etcd.ServiceDefaults;

/// <summary>Which spans and figures are collected, and that they are exported. Etcd.Server compiles this file too: it has no other defaults.</summary>
internal static class TelemetryCollection
{
    /// <summary>OpenTelemetry's own variable, which names the receiver.</summary>
    public const string ReceiverVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    // etcd's: the client, the configuration provider and the server, by name, as a service need not have any of them.
    private static readonly string[] s_etcd = ["Etcd.Client", "Etcd.Configuration", "Etcd.Server"];

    /// <summary>Collects, and exports if there is a receiver; elsewhere collecting costs next to nothing.</summary>
    public static void AddTelemetryCollection(this IServiceCollection services, string applicationName, bool exports)
    {
        var telemetry = services.AddOpenTelemetry()
            .WithMetrics(metrics => metrics
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation()
                .AddMeter(s_etcd)
                .AddMeter(applicationName))
            .WithTracing(tracing => tracing
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddSource(s_etcd)
                .AddSource(applicationName));
        if (exports)
        {
            telemetry.UseOtlpExporter();
        }
    }
}
