using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Etcd.Configuration.Tests.Suites;
using Etcd.TestKit.Network;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Etcd.Configuration.Tests;

/// <summary>Goal: an operator sees how the settings are: in the log, in metrics and spans, in the health check.</summary>
public sealed class HostingTests(OurEtcd etcd) : ConfigurationSuite, IClassFixture<OurEtcd>
{
    protected override string Url => etcd.Url;

    [Fact]
    public async Task What_was_logged_before_there_was_logging_is_logged_at_the_start()
    {
        await PutAsync("Color", "blue");
        HostApplicationBuilder builder = NewHost();
        var log = new LogLines();
        builder.Logging.ClearProviders().Services.AddSingleton<ILoggerProvider>(new Provider(log));
        builder.Services.AddEtcdConfiguration();
        using IHost host = builder.Build();
        Assert.Empty(log.All);

        await host.StartAsync(Token);

        Assert.Contains(log.All, line => line.StartsWith("Information: The configuration is that of revision", StringComparison.Ordinal));
        await host.StopAsync(Token);
        Assert.DoesNotContain(log.All, line => line.Contains("blue", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_health_check_tells_age_and_revision()
    {
        await PutAsync("Color", "blue");

        HealthReportEntry entry = await CheckAsync(Follow());

        Assert.Equal(HealthStatus.Healthy, entry.Status);
        Assert.True((long)entry.Data[Prefix + ":revision"] > 0);
        Assert.True((TimeSpan)entry.Data[Prefix + ":age"] >= TimeSpan.Zero);
    }

    [Fact]
    public async Task The_health_is_degraded_while_a_value_cannot_be_read()
    {
        await PutAsync("a", "1");
        IConfigurationRoot root = Build(source =>
        {
            source.AddPrefix(Prefix, EtcdValueFormat.Json);
            source.ReloadOnChange = true;
        });
        await PutAsync("a", "{");
        await UntilAsync(() => ProviderOf(root).Status.Problem is not null);

        HealthReportEntry entry = await CheckAsync(root);
        Assert.Equal(HealthStatus.Degraded, entry.Status);
        Assert.Contains(Prefix + "a", entry.Description, StringComparison.Ordinal);

        await PutAsync("a", "2");
        await UntilAsync(() => root["a"] == "2");
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(root)).Status);
    }

    [Fact]
    public async Task The_health_is_degraded_while_etcd_is_silent()
    {
        await PutAsync("a", "1");
        await using FaultProxy proxy = NewProxy();
        IConfigurationRoot root = Follow(source => source.StaleAfter = TimeSpan.FromMilliseconds(500), proxy.Url);

        proxy.Hold(ProxyDirection.ToClient);
        await UntilAsync(async () => (await CheckAsync(root)).Status == HealthStatus.Degraded);
        proxy.Release();

        await UntilAsync(async () => (await CheckAsync(root)).Status == HealthStatus.Healthy);
    }

    [Fact]
    public async Task The_health_is_what_the_registration_says_where_nothing_was_loaded()
    {
        IConfigurationRoot root = Build(
            source =>
            {
                source.AddPrefix(Prefix);
                source.Optional = true;
                source.LoadTimeout = TimeSpan.FromMilliseconds(200);
            },
            $"http://127.0.0.1:{TestKit.Processes.FreePorts.Take()}");

        Assert.Equal(HealthStatus.Unhealthy, (await CheckAsync(root, HealthStatus.Unhealthy)).Status);
    }

    [Fact]
    public async Task Loads_are_spans_and_counts_and_the_revision_is_a_gauge()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == EtcdConfigurationTelemetry.ActivitySourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        var seen = new ConcurrentDictionary<string, double>();
        using var meters = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == EtcdConfigurationTelemetry.MeterName)
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            if (tags.Length == 0 || tags[0].Key != "keys" || Equals(tags[0].Value, Prefix))
            {
                seen[instrument.Name] = value;
            }
        }

        meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
        meters.Start();
        using var test = new Activity("test").Start();
        await PutAsync("a", "1");

        IConfigurationRoot root = Follow();
        meters.RecordObservableInstruments();

        Activity load = Assert.Single(spans, span => span.TraceId == test.TraceId);
        Assert.Equal("etcd.configuration.load", load.OperationName);
        Assert.Equal(ProviderOf(root).Status.Revision, load.GetTagItem("etcd.configuration.revision"));
        Assert.Equal(ProviderOf(root).Status.Revision, seen["etcd.configuration.revision"]);
        Assert.Equal(1, seen["etcd.configuration.settings"]);
        Assert.True(seen["etcd.configuration.age"] >= 0);
        Assert.True(seen["etcd.configuration.loads"] >= 1);
    }

    [Fact]
    public void Providers_are_found_in_configurations_within_configurations()
    {
        IConfigurationRoot inner = Build(source =>
        {
            source.AddPrefix(Prefix);
            source.Optional = true;
        });

        IConfigurationRoot outer = new ConfigurationBuilder().AddConfiguration(inner).Build();

        Assert.Same(ProviderOf(inner), ProviderOf(outer));
        Assert.Empty(outer.GetSection("x").GetEtcdProviders());
    }

    private HostApplicationBuilder NewHost()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddEtcd(Url, Prefix, reloadOnChange: true);
        return builder;
    }

    private static async Task<HealthReportEntry> CheckAsync(IConfiguration configuration, HealthStatus failure = HealthStatus.Degraded)
    {
        var services = new ServiceCollection();
        services.AddLogging().AddSingleton(configuration).AddHealthChecks().AddEtcdConfiguration(failureStatus: failure);
        await using ServiceProvider provider = services.BuildServiceProvider();
        HealthReport report = await provider.GetRequiredService<HealthCheckService>().CheckHealthAsync(Token);
        return report.Entries["Etcd.Configuration"];
    }

    private sealed class Provider(LogLines lines) : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => lines;

        public void Dispose()
        {
        }
    }
}
