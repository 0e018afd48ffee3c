using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;
using Etcd.Client.Hosting;
using Etcd.Client.Tests.Suites;
using Etcd.TestKit.Processes;
using Microsoft.Extensions.Logging;

namespace Etcd.Client.Tests;

/// <summary>Goal: one span and one measurement for each call, with the names that dashboards expect and without keys or values.</summary>
public sealed class TelemetryTests(OurMember member) : ClientSuite, IClassFixture<OurMember>
{
    protected override string Url => member.Url;

    [Fact]
    public async Task A_call_is_one_span_with_its_retries_in_it()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == EtcdTelemetry.ActivitySourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        using var test = new Activity("test").Start();
        EtcdClient client = NewClient($"http://127.0.0.1:{FreePorts.Take()},{Url}");

        await client.Kv.PutAsync(Prefix + "a", "v", cancellationToken: Token);
        await client.Kv.PutAsync(Prefix + "b", "v", cancellationToken: Token);
        await Assert.ThrowsAsync<EtcdLeaseNotFoundException>(async () => await client.Leases.RevokeAsync(new EtcdLeaseId(1), cancellationToken: Token));

        Activity[] ours = [.. spans.Where(span => span.TraceId == test.TraceId)];
        Assert.Equal(["put", "put", "lease_revoke"], ours.Select(span => span.OperationName));
        Assert.All(ours, span => Assert.Equal("etcd", span.GetTagItem("db.system.name")));
        Assert.Equal(new Uri(Url).Port, ours[0].GetTagItem("server.port"));
        Assert.Equal(ActivityStatusCode.Error, ours[2].Status);
        Assert.Equal("LeaseNotFound", ours[2].GetTagItem("error.type"));
        Assert.DoesNotContain(ours.SelectMany(span => span.TagObjects), tag => tag.Value?.ToString()?.Contains(Prefix, StringComparison.Ordinal) ?? false);
    }

    [Fact]
    public async Task Calls_and_watches_are_measured()
    {
        var seen = new ConcurrentDictionary<string, double>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == EtcdTelemetry.MeterName)
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((i, value, _, _) => seen.AddOrUpdate(i.Name, value, (_, sum) => sum + value));
        listener.SetMeasurementEventCallback<double>((i, value, _, _) => seen.AddOrUpdate(i.Name, value, (_, sum) => sum + value));
        listener.Start();
        EtcdClient client = NewClient();

        await using EtcdWatcher watcher = await client.Watch.StartAsync(EtcdRange.Prefix(Prefix), cancellationToken: Token);
        await using EtcdSession session = await client.Leases.CreateSessionAsync(TimeSpan.FromSeconds(60), Token);
        await client.Kv.PutAsync(Prefix + "a", "v", cancellationToken: Token);
        await using IAsyncEnumerator<EtcdWatchBatch> batches = watcher.GetAsyncEnumerator(Token);
        await NextAsync(batches);

        Assert.True(seen["db.client.operation.duration"] > 0);
        Assert.True(seen["etcd.client.watch.events"] >= 1);
        Assert.Contains("etcd.client.watch.active", seen.Keys);
        Assert.Contains("etcd.client.lease.active", seen.Keys);
    }

    [Fact]
    public void Log_events_have_ids_of_their_own()
    {
        int[] ids =
        [
            .. typeof(EtcdClient).Assembly.GetTypes().Concat(typeof(EtcdHealthCheck).Assembly.GetTypes())
                .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
                .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()?.EventId)
                .OfType<int>(),
        ];

        Assert.True(ids.Length > 5);
        Assert.Equal(ids.Length, ids.Distinct().Count());
        Assert.DoesNotContain(0, ids);
    }
}
