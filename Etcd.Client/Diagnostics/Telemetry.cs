using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Etcd.Client;

/// <summary>The client's spans and measurements, by OpenTelemetry's conventions for databases.</summary>
internal static class Telemetry
{
    private const string System = "etcd";

    private static readonly string? Version = typeof(Telemetry).Assembly.GetName().Version?.ToString(3);
    private static readonly ActivitySource Source = new(EtcdTelemetry.ActivitySourceName, Version);
    private static readonly Meter Meter = new(EtcdTelemetry.MeterName, Version);

    private static readonly Histogram<double> Duration = Meter.CreateHistogram(
        "db.client.operation.duration",
        unit: "s",
        description: "Duration of calls, all attempts together.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] });

    private static readonly Counter<long> Retries = Meter.CreateCounter<long>(
        "etcd.client.retries", "{attempt}", "Attempts after the first.");

    private static readonly Counter<long> Reconnects = Meter.CreateCounter<long>(
        "etcd.client.reconnects", "{stream}", "Streams of watches or keep-alives that broke and were opened again.");

    private static readonly UpDownCounter<long> ActiveWatches = Meter.CreateUpDownCounter<long>(
        "etcd.client.watch.active", "{watch}", "Watches that run.");

    private static readonly Counter<long> Events = Meter.CreateCounter<long>(
        "etcd.client.watch.events", "{event}", "Events that watches have received.");

    private static readonly Counter<long> Pauses = Meter.CreateCounter<long>(
        "etcd.client.watch.paused", "{pause}", "Watches that were ended on the server until their reader had caught up.");

    private static readonly UpDownCounter<long> ActiveLeases = Meter.CreateUpDownCounter<long>(
        "etcd.client.lease.active", "{lease}", "Leases that are kept alive.");

    private static readonly Counter<long> LostLeases = Meter.CreateCounter<long>(
        "etcd.client.lease.lost", "{lease}", "Leases that ended or could not be renewed in time.");

    private static readonly Counter<long> KeepAliveFailures = Meter.CreateCounter<long>(
        "etcd.client.lease.keepalive.failures", "{renewal}", "Renewals without an answer in time.");

    public static Activity? Start(string operation)
    {
        Activity? activity = Source.HasListeners() ? Source.StartActivity(operation, ActivityKind.Client) : null;
        if (activity is { IsAllDataRequested: true })
        {
            activity.SetTag("db.system.name", System);
            activity.SetTag("db.operation.name", operation);
        }

        return activity;
    }

    public static void Succeeded(string operation, Endpoint? endpoint, long started, Activity? activity)
    {
        if (Duration.Enabled)
            Duration.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, Tags(operation, endpoint));
        AddServer(activity, endpoint);
    }

    public static void Failed(string operation, Endpoint? endpoint, long started, Activity? activity, EtcdException failure)
    {
        string type = failure.ErrorId?.ToString() ?? failure.Code.ToString();
        if (Duration.Enabled)
        {
            TagList tags = Tags(operation, endpoint);
            tags.Add("error.type", type);
            Duration.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, tags);
        }

        AddServer(activity, endpoint);
        activity?.SetTag("error.type", type);
        activity?.SetStatus(ActivityStatusCode.Error, failure.Message);
    }

    public static void Retried(string operation) => Retries.Add(1, new KeyValuePair<string, object?>("db.operation.name", operation));

    public static void Reconnected(string operation) => Reconnects.Add(1, new KeyValuePair<string, object?>("db.operation.name", operation));

    public static void WatchesChanged(int by) => ActiveWatches.Add(by);

    public static void EventsReceived(int count) => Events.Add(count);

    public static void WatchPaused() => Pauses.Add(1);

    public static void LeasesChanged(int by) => ActiveLeases.Add(by);

    public static void LeaseLost() => LostLeases.Add(1);

    public static void KeepAliveFailed() => KeepAliveFailures.Add(1);

    private static TagList Tags(string operation, Endpoint? endpoint)
    {
        var tags = new TagList { { "db.system.name", System }, { "db.operation.name", operation } };
        if (endpoint is not null)
        {
            tags.Add("server.address", endpoint.ServerAddress);
            tags.Add("server.port", endpoint.ServerPort);
        }

        return tags;
    }

    private static void AddServer(Activity? activity, Endpoint? endpoint)
    {
        if (activity is not { IsAllDataRequested: true } || endpoint is null)
            return;
        activity.SetTag("server.address", endpoint.ServerAddress);
        activity.SetTag("server.port", endpoint.ServerPort);
    }
}
