using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Etcd.Configuration.Diagnostics;

/// <summary>The providers' spans and measurements. Providers are observed while they are alive.</summary>
internal static class Telemetry
{
    private static readonly string? Version = typeof(Telemetry).Assembly.GetName().Version?.ToString(3);
    private static readonly ActivitySource Source = new(EtcdConfigurationTelemetry.ActivitySourceName, Version);
    private static readonly Meter Meter = new(EtcdConfigurationTelemetry.MeterName, Version);
    private static readonly ConcurrentDictionary<EtcdConfigurationProvider, bool> Providers = new();

    private static readonly Counter<long> Loads = Meter.CreateCounter<long>(
        "etcd.configuration.loads", "{load}", "Loads and reloads: changed, unchanged or failed.");

    static Telemetry()
    {
        Meter.CreateObservableGauge(
            "etcd.configuration.revision", () => Observe<long>(s => s.Revision), "{revision}", "The revision of the settings in use.");
        Meter.CreateObservableGauge(
            "etcd.configuration.age", () => Observe<double>(s => s.Age?.TotalSeconds), "s", "How long ago etcd was last heard of.");
        Meter.CreateObservableGauge("etcd.configuration.settings", () => Observe<long>(s => s.Count), "{setting}", "The settings in use.");
    }

    public static void Add(EtcdConfigurationProvider provider) => Providers[provider] = true;

    public static void Remove(EtcdConfigurationProvider provider) => Providers.TryRemove(provider, out _);

    public static Activity? Start(string name) => Source.StartActivity(name, ActivityKind.Client);

    public static void Loaded(Activity? activity, bool isNew, EtcdConfigurationStatus status)
    {
        Count(isNew ? "changed" : "unchanged");
        activity?.SetTag("etcd.configuration.revision", status.Revision);
        activity?.SetTag("etcd.configuration.settings", status.Count);
    }

    public static void Failed(Activity? activity, Exception failure)
    {
        Count("failed");
        activity?.SetTag("error.type", failure.GetType().FullName);
        activity?.SetStatus(ActivityStatusCode.Error, failure.Message);
    }

    private static void Count(string outcome) => Loads.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    private static IEnumerable<Measurement<T>> Observe<T>(Func<EtcdConfigurationStatus, T?> value)
        where T : struct
    {
        foreach (EtcdConfigurationProvider provider in Providers.Keys)
            if (value(provider.Status) is { } known)
                yield return new Measurement<T>(known, new KeyValuePair<string, object?>("keys", provider.Name));
    }
}
