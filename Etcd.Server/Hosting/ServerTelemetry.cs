using System.Collections;
using Etcd.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Logs;

namespace Etcd.Server.Hosting;

/// <summary>
/// Spans, figures and logs by OTLP, where OpenTelemetry's own environment variables name a receiver, as the AppHost makes them do. Elsewhere
/// nothing of it is even loaded.
/// </summary>
internal static class ServerTelemetry
{
    private const string Prefix = "OTEL_";

    private static bool IsWanted => !string.IsNullOrWhiteSpace(Environment.GetEnvironmentVariable(TelemetryCollection.ReceiverVariable));

    /// <summary>Collects the server's spans and figures.</summary>
    public static void AddServerTelemetry(this WebApplicationBuilder builder)
    {
        if (!IsWanted)
        {
            return;
        }

        // The server's web host knows no environment variables; the exporter looks for its own in the configuration.
        builder.Configuration.AddInMemoryCollection(Environment.GetEnvironmentVariables()
            .Cast<DictionaryEntry>()
            .Where(variable => ((string)variable.Key).StartsWith(Prefix, StringComparison.Ordinal))
            .Select(variable => KeyValuePair.Create((string)variable.Key, (string?)variable.Value)));
        builder.Services.AddTelemetryCollection("Etcd.Server", exports: true);
    }

    /// <summary>Sends the server's log lines too.</summary>
    public static ILoggingBuilder AddServerTelemetry(this ILoggingBuilder logging) => !IsWanted ? logging : logging.AddOpenTelemetry(telemetry =>
    {
        telemetry.IncludeFormattedMessage = true;
        telemetry.AddOtlpExporter();
    });
}
