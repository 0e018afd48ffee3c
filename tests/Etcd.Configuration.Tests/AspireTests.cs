using System.Reflection;
using System.Text.Json;
using Etcd.Configuration.Hosting;
using Etcd.Configuration.Tests.Suites;
using Etcd.TestKit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Etcd.Configuration.Tests;

/// <summary>Goal: one line in an application, by the conventions of Aspire's own integrations.</summary>
public sealed class AspireTests(OurEtcd etcd) : ConfigurationSuite, IClassFixture<OurEtcd>
{
    protected override string Url => etcd.Url;

    [Fact]
    public async Task A_connection_string_is_enough()
    {
        await Client.Kv.PutAsync("config/Aspire/Color", "blue", null, Token);
        HostApplicationBuilder builder = NewHost(("ConnectionStrings:etcd", Url));

        builder.AddEtcdConfiguration("etcd");
        using IHost host = builder.Build();
        await host.StartAsync(Token);

        var configuration = host.Services.GetRequiredService<IConfiguration>();
        Assert.Equal("blue", configuration["Aspire:Color"]);
        await Client.Kv.PutAsync("config/Aspire/Color", "red", null, Token);
        await UntilAsync(() => configuration["Aspire:Color"] == "red");
        HealthReport report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Token);
        Assert.Equal(["Etcd.Configuration"], report.Entries.Keys);
        Assert.Equal(HealthStatus.Healthy, report.Status);
        Assert.NotNull(host.Services.GetService<TracerProvider>());
        Assert.NotNull(host.Services.GetService<MeterProvider>());
        await host.StopAsync(Token);
    }

    [Fact]
    public async Task The_named_section_overrides_the_general_one_and_the_connection_string_both()
    {
        await PutAsync("a/Color", "blue");
        await PutAsync("b/Color", "\"red\"");
        const string Section = EtcdConfigurationSettings.SectionName;
        HostApplicationBuilder builder = NewHost(
            ($"{Section}:ConnectionString", "http://nowhere:1"),
            ($"{Section}:Prefixes:0", Prefix + "a/"),
            ($"{Section}:etcd:ConnectionString", "http://nowhere:2"),
            ($"{Section}:etcd:Prefixes:0", Prefix + "b/"),
            ($"{Section}:etcd:Format", "json"),
            ("ConnectionStrings:etcd", Url));

        builder.AddEtcdConfiguration("etcd");

        Assert.Equal("red", builder.Configuration["Color"]);
    }

    [Fact]
    public async Task The_delegates_come_last()
    {
        await PutAsync("Color", "blue");
        HostApplicationBuilder builder = NewHost(("ConnectionStrings:etcd", "http://nowhere:1"));
        bool? reload = null;

        builder.AddEtcdConfiguration(
            "etcd",
            settings =>
            {
                settings.ConnectionString = Url;
                settings.Prefixes.Add(Prefix);
                settings.DisableReload = true;
            },
            source =>
            {
                reload = source.ReloadOnChange;
                source.MapName = name => "Mapped:" + name;
            });

        Assert.Equal("blue", builder.Configuration["Mapped:Color"]);
        Assert.False(reload);
    }

    [Fact]
    public void What_is_disabled_is_not_there()
    {
        HostApplicationBuilder builder = NewHost(("ConnectionStrings:etcd", Url));

        builder.AddEtcdConfiguration("etcd", settings =>
        {
            settings.Optional = true;
            settings.Prefixes.Add(Prefix);
            settings.DisableHealthChecks = settings.DisableTracing = settings.DisableMetrics = true;
        });
        using IHost host = builder.Build();

        Assert.Null(host.Services.GetService<TracerProvider>());
        Assert.Null(host.Services.GetService<MeterProvider>());
        Assert.Empty(host.Services.GetService<IOptions<HealthCheckServiceOptions>>()?.Value.Registrations ?? []);
    }

    [Fact]
    public void Two_configurations_are_one_health_check()
    {
        HostApplicationBuilder builder = NewHost(("ConnectionStrings:one", Url), ("ConnectionStrings:two", Url));

        builder.AddEtcdConfiguration("one", settings => settings.Optional = true);
        builder.AddEtcdConfiguration("two", settings => settings.Optional = true);
        using IHost host = builder.Build();

        Assert.Single(host.Services.GetRequiredService<IOptions<HealthCheckServiceOptions>>().Value.Registrations);
        Assert.Equal(2, builder.Configuration.GetEtcdProviders().Count());
    }

    [Fact]
    public void A_missing_place_is_said_with_both_places_that_were_looked_at()
    {
        var e = Assert.Throws<InvalidOperationException>(() => NewHost().AddEtcdConfiguration("settings"));

        Assert.Contains("ConnectionStrings:settings", e.Message, StringComparison.Ordinal);
        Assert.Contains("Aspire:Etcd:Configuration:settings", e.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>("builder", () => EtcdConfigurationHostingExtensions.AddEtcdConfiguration(null!, "etcd"));
        Assert.Throws<ArgumentException>("connectionName", () => NewHost().AddEtcdConfiguration(""));
    }

    /// <summary>The schema, the section and the settings say the same; a property that only one of them has fails here.</summary>
    [Fact]
    public void The_schema_has_the_section_and_its_settings()
    {
        string file = Path.Combine(Repository.Root, "Etcd.Configuration.Hosting/ConfigurationSchema.json");
        using var schema = JsonDocument.Parse(File.ReadAllBytes(file));
        JsonElement at = schema.RootElement;
        foreach (string part in EtcdConfigurationSettings.SectionName.Split(':'))
        {
            at = at.GetProperty("properties").GetProperty(part);
        }

        PropertyInfo[] settings = typeof(EtcdConfigurationSettings).GetProperties();
        Assert.Equal(settings.Select(p => p.Name).Order(StringComparer.Ordinal), at.GetProperty("properties").EnumerateObject().Select(p => p.Name));
        Assert.Equal(
            Enum.GetNames<EtcdValueFormat>(),
            at.GetProperty("properties").GetProperty("Format").GetProperty("enum").EnumerateArray().Select(value => value.GetString()));
        Assert.True(typeof(EtcdConfigurationSettings).IsSealed);
        Assert.All(settings.Where(p => p.PropertyType == typeof(bool)), p => Assert.Equal(false, p.GetValue(new EtcdConfigurationSettings())));
    }

    private static HostApplicationBuilder NewHost(params (string Key, string Value)[] configuration)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(configuration.Select(pair => KeyValuePair.Create(pair.Key, (string?)pair.Value)));
        return builder;
    }
}
