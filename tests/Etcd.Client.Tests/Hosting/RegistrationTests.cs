using System.Diagnostics;
using Etcd.Client.Hosting;
using Etcd.Client.Tests.Suites;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Etcd.Client.Tests.Hosting;

/// <summary>Goal: applications get clients as the conventions of .NET and Aspire have it.</summary>
public sealed class RegistrationTests(OurMember member) : ClientSuite, IClassFixture<OurMember>
{
    protected override string Url => member.Url;

    [Fact]
    public async Task A_connection_string_makes_a_client()
    {
        HostApplicationBuilder builder = NewBuilder(("ConnectionStrings:etcd", Url));
        builder.AddEtcdClient("etcd");
        using IHost host = builder.Build();

        IEtcdClient client = host.Services.GetRequiredService<IEtcdClient>();
        await client.Kv.PutAsync(Prefix + "k", "v", cancellationToken: Token);

        Assert.Same(client, host.Services.GetRequiredService<IEtcdClient>());
        HealthReport health = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Token);
        Assert.Equal(HealthStatus.Healthy, health.Entries["Etcd.Client"].Status);
        Assert.True((long)health.Entries["Etcd.Client"].Data["revision"] > 1);
    }

    /// <summary>The section, then the section of the name, then the connection string, then the delegates.</summary>
    [Fact]
    public void Later_sources_win_over_earlier_ones()
    {
        HostApplicationBuilder builder = NewBuilder(
            ("Aspire:Etcd:Client:ConnectionString", "http://section:1"),
            ("Aspire:Etcd:Client:Username", "section"),
            ("Aspire:Etcd:Client:Password", "secret"),
            ("Aspire:Etcd:Client:DisableTracing", "true"),
            ("Aspire:Etcd:Client:etcd:Username", "named"),
            ("Aspire:Etcd:Client:etcd:HealthCheckTimeout", "00:00:03"),
            ("ConnectionStrings:etcd", "Endpoints=http://string:3;Timeout=7"));
        EtcdClientSettings? seen = null;
        builder.AddEtcdClient("etcd", settings => seen = settings, options => options.Timeout = TimeSpan.FromSeconds(9));

        EtcdClientOptions options = OptionsOf(builder);

        Assert.Equal(["http://string:3"], options.Endpoints);
        Assert.Equal(("named", "secret", TimeSpan.FromSeconds(9)), (options.Username, options.Password, options.Timeout));
        Assert.Equal((true, false, TimeSpan.FromSeconds(3)), (seen!.DisableTracing, seen.DisableMetrics, seen.HealthCheckTimeout));
    }

    [Fact]
    public void Endpoints_of_the_name_replace_those_of_the_section()
    {
        HostApplicationBuilder builder = NewBuilder(
            ("Aspire:Etcd:Client:Endpoints:0", "http://a:1"),
            ("Aspire:Etcd:Client:etcd:Endpoints:0", "http://b:1"),
            ("Aspire:Etcd:Client:etcd:Endpoints:1", "http://c:1"));
        builder.AddEtcdClient("etcd");

        Assert.Equal(["http://b:1", "http://c:1"], OptionsOf(builder).Endpoints);
    }

    [Fact]
    public async Task A_client_without_an_endpoint_says_where_it_looked()
    {
        HostApplicationBuilder builder = NewBuilder();
        builder.AddEtcdClient("etcd");
        using IHost host = builder.Build();

        var missing = Assert.Throws<InvalidOperationException>(() => host.Services.GetRequiredService<IEtcdClient>());
        await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync(Token));

        Assert.Contains("ConnectionStrings:etcd", missing.Message, StringComparison.Ordinal);
        Assert.Contains(EtcdClientSettings.SectionName + ":etcd", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_options_fail_the_start()
    {
        HostApplicationBuilder builder = NewBuilder(("ConnectionStrings:etcd", "Endpoints=http://a:1;Username=app"));
        builder.AddEtcdClient("etcd", null, options => options.Timeout = TimeSpan.Zero);
        using IHost host = builder.Build();

        var wrong = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(Token));

        Assert.Equal(2, wrong.Failures.Count());
    }

    [Fact]
    public async Task Keyed_clients_are_apart()
    {
        HostApplicationBuilder builder = NewBuilder(("ConnectionStrings:one", $"Endpoints={Url};Namespace={Prefix}1/"), ("ConnectionStrings:two", $"Endpoints={Url};Namespace={Prefix}2/"));
        builder.AddKeyedEtcdClient("one");
        builder.AddKeyedEtcdClient("two");
        using IHost host = builder.Build();
        var one = host.Services.GetRequiredKeyedService<IEtcdClient>("one");
        var two = host.Services.GetRequiredKeyedService<IEtcdClient>("two");

        await one.Kv.PutAsync("k", "v", cancellationToken: Token);

        Assert.Null(host.Services.GetService<IEtcdClient>());
        Assert.Null(await two.Kv.GetAsync("k", cancellationToken: Token));
        HealthReport health = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Token);
        Assert.Equal(["Etcd.Client_one", "Etcd.Client_two"], health.Entries.Keys.Order());
    }

    [Fact]
    public async Task A_cluster_that_is_down_is_unhealthy()
    {
        HostApplicationBuilder builder = NewBuilder(("ConnectionStrings:etcd", $"http://127.0.0.1:{TestKit.Processes.FreePorts.Take()}"));
        builder.AddEtcdClient("etcd", null, options => options.Timeout = TimeSpan.FromMilliseconds(200));
        using IHost host = builder.Build();

        HealthReport health = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Token);

        Assert.Equal(HealthStatus.Unhealthy, health.Status);
        Assert.IsType<EtcdException>(health.Entries["Etcd.Client"].Exception, exactMatch: false);
    }

    [Fact]
    public void A_health_check_is_added_once_and_not_where_it_is_disabled()
    {
        HostApplicationBuilder twice = NewBuilder(("ConnectionStrings:etcd", Url));
        twice.AddEtcdClient("etcd");
        twice.AddEtcdClient("etcd");
        HostApplicationBuilder disabled = NewBuilder(("ConnectionStrings:etcd", Url), ("Aspire:Etcd:Client:DisableHealthChecks", "true"));
        disabled.AddEtcdClient("etcd");
        using IHost one = twice.Build();
        using IHost none = disabled.Build();

        Assert.Single(one.Services.GetRequiredService<IOptions<HealthCheckServiceOptions>>().Value.Registrations);
        Assert.Null(none.Services.GetService<HealthCheckService>());
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 0)]
    public async Task Spans_are_collected_but_where_that_is_disabled(bool disabled, int expected)
    {
        var spans = new List<Activity>();
        HostApplicationBuilder builder = NewBuilder(("ConnectionStrings:etcd", Url));
        builder.AddEtcdClient("etcd", settings => settings.DisableTracing = disabled);
        builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddProcessor(new SpanList(spans)));
        using IHost host = builder.Build();
        TracerProvider provider = host.Services.GetRequiredService<TracerProvider>();
        string operation = "put";

        using (Activity test = new Activity("test").SetIdFormat(ActivityIdFormat.W3C).Start())
        {
            test.ActivityTraceFlags = ActivityTraceFlags.Recorded;
            await host.Services.GetRequiredService<IEtcdClient>().Kv.PutAsync(Prefix + "k", "v", cancellationToken: Token);
            provider.ForceFlush();
            lock (spans)
            {
                Assert.Equal(expected, spans.Count(span => span.OperationName == operation && span.TraceId == test.TraceId));
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Measurements_are_collected_but_where_that_is_disabled(bool disabled)
    {
        var reader = new NameReader();
        HostApplicationBuilder builder = NewBuilder(("ConnectionStrings:etcd", Url));
        builder.AddEtcdClient("etcd", settings => settings.DisableMetrics = disabled);
        builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddReader(new BaseExportingMetricReader(reader)));
        using IHost host = builder.Build();
        MeterProvider provider = host.Services.GetRequiredService<MeterProvider>();

        await host.Services.GetRequiredService<IEtcdClient>().Kv.PutAsync(Prefix + "k", "v", cancellationToken: Token);
        provider.ForceFlush();

        Assert.Equal(!disabled, reader.Names.Contains("db.client.operation.duration"));
    }

    [Fact]
    public async Task Plain_services_get_a_client_too()
    {
        var services = new ServiceCollection();
        services.AddEtcdClient(Url);
        services.AddKeyedEtcdClient("other", (provider, options) =>
            options.ApplyConnectionString($"Endpoints={Url};Namespace={provider.GetRequiredService<Names>().Prefix}"));
        services.AddSingleton(new Names(Prefix));
        await using ServiceProvider provider = services.BuildServiceProvider();

        await provider.GetRequiredKeyedService<IEtcdClient>("other").Kv.PutAsync("k", "v", cancellationToken: Token);

        Assert.Equal("v", (await provider.GetRequiredService<IEtcdClient>().Kv.GetAsync(Prefix + "k", cancellationToken: Token))!.Value.ToString());
    }

    [Fact]
    public void Arguments_are_checked()
    {
        HostApplicationBuilder builder = NewBuilder();
        var services = new ServiceCollection();

        Assert.Equal("builder", Assert.Throws<ArgumentNullException>(() => ((IHostApplicationBuilder)null!).AddEtcdClient("etcd")).ParamName);
        Assert.Equal("connectionName", Assert.Throws<ArgumentException>(() => builder.AddEtcdClient("")).ParamName);
        Assert.Equal("name", Assert.Throws<ArgumentNullException>(() => builder.AddKeyedEtcdClient(null!)).ParamName);
        Assert.Equal("connectionString", Assert.Throws<ArgumentException>(() => services.AddEtcdClient(" ")).ParamName);
        Assert.Equal("configure", Assert.Throws<ArgumentNullException>(() => services.AddEtcdClient((Action<EtcdClientOptions>)null!)).ParamName);
        Assert.Equal("services", Assert.Throws<ArgumentNullException>(() => ((IServiceCollection)null!).AddEtcdClient(Url)).ParamName);
        Assert.Equal("name", Assert.Throws<ArgumentException>(() => services.AddKeyedEtcdClient("", Url)).ParamName);
        Assert.Equal("name", Assert.Throws<ArgumentException>(() => services.AddEtcdLeaderElection("")).ParamName);
        Assert.Equal("services", Assert.Throws<ArgumentNullException>(() => ((IServiceCollection)null!).AddEtcdLeaderElection("e")).ParamName);
    }

    private static HostApplicationBuilder NewBuilder(params (string Key, string Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create<string, string?>(s.Key, s.Value)));
        return builder;
    }

    private static EtcdClientOptions OptionsOf(HostApplicationBuilder builder)
    {
        using IHost host = builder.Build();
        return host.Services.GetRequiredService<IOptions<EtcdClientOptions>>().Value;
    }

    private sealed record Names(string Prefix);

    private sealed class SpanList(List<Activity> spans) : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data)
        {
            lock (spans)
            {
                spans.Add(data);
            }
        }
    }

    private sealed class NameReader : BaseExporter<Metric>
    {
        public HashSet<string> Names { get; } = [];

        public override ExportResult Export(in Batch<Metric> batch)
        {
            foreach (Metric metric in batch)
            {
                Names.Add(metric.Name);
            }

            return ExportResult.Success;
        }
    }
}
