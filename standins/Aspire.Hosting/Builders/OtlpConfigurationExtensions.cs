using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Orchestration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>The protocol in which telemetry is exported.</summary>
public enum OtlpProtocol
{
    Grpc = 0,
    HttpProtobuf = 1,
    HttpJson = 2,
}

/// <summary>
/// Tells processes where to send telemetry: to the OTLP address that the AppHost's configuration names
/// (<c>ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL</c>, <c>ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL</c>). The stand-in starts no dashboard
/// itself, so it names an address to a process only if somebody listens there when the process starts.
/// </summary>
public static class OtlpConfigurationExtensions
{
    public static IResourceBuilder<T> WithOtlpExporter<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEnvironment => builder.WithOtlp(null);

    public static IResourceBuilder<T> WithOtlpExporter<T>(this IResourceBuilder<T> builder, OtlpProtocol protocol)
        where T : IResourceWithEnvironment => builder.WithOtlp(protocol);

    private static IResourceBuilder<T> WithOtlp<T>(this IResourceBuilder<T> builder, OtlpProtocol? protocol)
        where T : IResourceWithEnvironment
    {
        ArgumentNullException.ThrowIfNull(builder);
        var configuration = builder.ApplicationBuilder.Configuration;
        var isDevelopment = builder.ApplicationBuilder.Environment.IsDevelopment();
        return builder
            .WithAnnotation(new OtlpExporterAnnotation { RequiredProtocol = protocol }, ResourceAnnotationMutationBehavior.Replace)
            .WithEnvironment(context => SetVariablesAsync(context, configuration, isDevelopment));
    }

    private static async Task SetVariablesAsync(
        EnvironmentCallbackContext context, ConfigurationManager configuration, bool isDevelopment)
    {
        if (!context.Resource.TryGetLastAnnotation<OtlpExporterAnnotation>(out var exporter)
            || Receiver(configuration, exporter.RequiredProtocol) is not { } receiver
            || !await Ports.IsListeningAsync(receiver.Url, context.CancellationToken).ConfigureAwait(false))
        {
            return;
        }

        var variables = context.EnvironmentVariables;
        variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.Url.OriginalString;
        variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = receiver.Protocol;
        variables["OTEL_SERVICE_NAME"] = context.Resource.Name;
        variables["OTEL_RESOURCE_ATTRIBUTES"] =
            $"service.instance.id={ResourceNotificationService.IdOf(context.Resource)[(context.Resource.Name.Length + 1)..]}";
        if (configuration["AppHost:OtlpApiKey"] is { } key)
        {
            variables["OTEL_EXPORTER_OTLP_HEADERS"] = $"x-otlp-api-key={key}";
        }

        if (isDevelopment)
        {
            SetShortDelays(variables);
        }
    }

    private static (Uri Url, string Protocol)? Receiver(ConfigurationManager configuration, OtlpProtocol? required)
    {
        var grpc = configuration["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] ?? configuration["DOTNET_DASHBOARD_OTLP_ENDPOINT_URL"];
        var http = configuration["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"]
            ?? configuration["DOTNET_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"];
        return required switch
        {
            OtlpProtocol.Grpc or null when grpc is not null => (new Uri(grpc), "grpc"),
            OtlpProtocol.HttpProtobuf or null when http is not null => (new Uri(http), "http/protobuf"),
            OtlpProtocol.HttpJson when http is not null => (new Uri(http), "http/json"),
            _ => null,
        };
    }

    /// <summary>Somebody who develops wants to see telemetry at once, all of it.</summary>
    private static void SetShortDelays(Dictionary<string, object> variables)
    {
        variables["OTEL_BLRP_SCHEDULE_DELAY"] = "1000";
        variables["OTEL_BSP_SCHEDULE_DELAY"] = "1000";
        variables["OTEL_METRIC_EXPORT_INTERVAL"] = "1000";
        variables["OTEL_TRACES_SAMPLER"] = "always_on";
        variables["OTEL_METRICS_EXEMPLAR_FILTER"] = "trace_based";
    }
}
