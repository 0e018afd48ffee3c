using Etcd.Client;
using Etcd.Client.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Microsoft.Extensions.Hosting;

/// <summary>Adds etcd clients to an application, with configuration, health checks and telemetry.</summary>
public static class EtcdClientHostingExtensions
{
    private const string HealthCheckName = "Etcd.Client";

    /// <summary>
    /// Adds an <see cref="IEtcdClient"/> for the whole application, as its configuration says; see <see cref="EtcdClientSettings"/>. Nothing is
    /// connected before the first call.
    /// </summary>
    /// <param name="builder">The application.</param>
    /// <param name="connectionName">The connection string's name, and that of the section below <c>Aspire:Etcd:Client</c>.</param>
    /// <param name="configureSettings">Changes the settings that were read.</param>
    /// <param name="configureOptions">Changes the options of the client, after all else.</param>
    /// <example>
    /// <code>
    /// builder.AddEtcdClient("etcd");
    /// </code>
    /// </example>
    public static void AddEtcdClient(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<EtcdClientSettings>? configureSettings = null,
        Action<EtcdClientOptions>? configureOptions = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(connectionName);
        Add(builder, connectionName, key: null, configureSettings, configureOptions);
    }

    /// <summary>Adds an <see cref="IEtcdClient"/> under a key, for applications with several clusters.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The key, and the connection string's name, and that of the section below <c>Aspire:Etcd:Client</c>.</param>
    /// <param name="configureSettings">Changes the settings that were read.</param>
    /// <param name="configureOptions">Changes the options of the client, after all else.</param>
    public static void AddKeyedEtcdClient(
        this IHostApplicationBuilder builder,
        string name,
        Action<EtcdClientSettings>? configureSettings = null,
        Action<EtcdClientOptions>? configureOptions = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Add(builder, name, key: name, configureSettings, configureOptions);
    }

    private static void Add(
        IHostApplicationBuilder builder,
        string name,
        string? key,
        Action<EtcdClientSettings>? configureSettings,
        Action<EtcdClientOptions>? configureOptions)
    {
        ArgumentNullException.ThrowIfNull(builder);
        EtcdClientSettings settings = Read(builder.Configuration, name);
        configureSettings?.Invoke(settings);
        if (key is null)
            builder.Services.AddEtcdClient(Configure);
        else
            builder.Services.AddKeyedEtcdClient(key, Configure);
        AddTelemetry(builder, settings);
        if (!settings.DisableHealthChecks)
            AddHealthCheck(builder, key, settings);

        void Configure(EtcdClientOptions options)
        {
            settings.ApplyTo(options, name);
            configureOptions?.Invoke(options);
        }
    }

    private static EtcdClientSettings Read(IConfiguration configuration, string name)
    {
        var settings = new EtcdClientSettings();
        IConfigurationSection section = configuration.GetSection(EtcdClientSettings.SectionName);
        section.Bind(settings);
        IConfigurationSection named = section.GetSection(name);
        // A list is bound by adding to it.
        if (named.GetSection(nameof(EtcdClientSettings.Endpoints)).Exists())
            settings.Endpoints.Clear();
        named.Bind(settings);
        if (configuration.GetConnectionString(name) is { Length: > 0 } connectionString)
            settings.ConnectionString = connectionString;
        return settings;
    }

    private static void AddTelemetry(IHostApplicationBuilder builder, EtcdClientSettings settings)
    {
        if (!settings.DisableTracing)
            builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddSource(EtcdTelemetry.ActivitySourceName));
        if (!settings.DisableMetrics)
            builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter(EtcdTelemetry.MeterName));
    }

    // Two checks of one name would fail the application's start.
    private static void AddHealthCheck(IHostApplicationBuilder builder, string? key, EtcdClientSettings settings)
    {
        string name = key is null ? HealthCheckName : $"{HealthCheckName}_{key}";
        if (!builder.Properties.TryAdd($"Aspire.HealthChecks.{name}", true))
            return;
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
            name,
            services => new EtcdHealthCheck(
                key is null ? services.GetRequiredService<IEtcdClient>() : services.GetRequiredKeyedService<IEtcdClient>(key)),
            failureStatus: null,
            tags: null,
            timeout: settings.HealthCheckTimeout));
    }
}
