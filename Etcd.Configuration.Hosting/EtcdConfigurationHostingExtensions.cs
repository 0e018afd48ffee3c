using Etcd.Configuration;
using Etcd.Configuration.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.Hosting;

/// <summary>Adds settings from etcd to an application, with health check and telemetry.</summary>
public static class EtcdConfigurationHostingExtensions
{
    /// <summary>
    /// Adds settings from etcd, as the application's other configuration says; see <see cref="EtcdConfigurationSettings"/>. It reads them, and
    /// waits for that; changes are seen from then on. They override what was added before.
    /// </summary>
    /// <param name="builder">The application.</param>
    /// <param name="connectionName">The connection string's name, and that of the section below <c>Aspire:Etcd:Configuration</c>.</param>
    /// <param name="configureSettings">Changes the settings that were read.</param>
    /// <param name="configureSource">Changes the source, after all else.</param>
    /// <exception cref="InvalidOperationException">Nothing says where etcd is.</exception>
    /// <exception cref="EtcdConfigurationException">The settings cannot be had, and nothing can take their place.</exception>
    /// <example>
    /// <code>
    /// builder.AddEtcdConfiguration("etcd");
    /// </code>
    /// </example>
    public static void AddEtcdConfiguration(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<EtcdConfigurationSettings>? configureSettings = null,
        Action<EtcdConfigurationSource>? configureSource = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);
        EtcdConfigurationSettings settings = Read(builder.Configuration, connectionName);
        configureSettings?.Invoke(settings);
        var source = new EtcdConfigurationSource();
        settings.ApplyTo(source);
        configureSource?.Invoke(source);
        if (source is { ConnectionString: null or "", ClientOptions: null, ClientFactory: null })
            throw new InvalidOperationException(
                $"Nothing says where the configuration '{connectionName}' is: neither the connection string 'ConnectionStrings:{connectionName}' nor "
                + $"the section '{EtcdConfigurationSettings.SectionName}' (or '{EtcdConfigurationSettings.SectionName}:{connectionName}').");
        builder.Configuration.Add(source);
        AddServices(builder, settings);
    }

    private static EtcdConfigurationSettings Read(IConfiguration configuration, string name)
    {
        var settings = new EtcdConfigurationSettings();
        IConfigurationSection section = configuration.GetSection(EtcdConfigurationSettings.SectionName);
        section.Bind(settings);
        IConfigurationSection named = section.GetSection(name);
        // A list is bound by adding to it.
        if (named.GetSection(nameof(EtcdConfigurationSettings.Prefixes)).Exists())
            settings.Prefixes.Clear();
        named.Bind(settings);
        if (configuration.GetConnectionString(name) is { Length: > 0 } connectionString)
            settings.ConnectionString = connectionString;
        return settings;
    }

    private static void AddServices(IHostApplicationBuilder builder, EtcdConfigurationSettings settings)
    {
        builder.Services.AddEtcdConfiguration();
        if (!settings.DisableTracing)
            builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddSource(EtcdConfigurationTelemetry.ActivitySourceName));
        if (!settings.DisableMetrics)
            builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter(EtcdConfigurationTelemetry.MeterName));
        // One check sees all of the application's providers, and two of one name would fail its start.
        const string Check = EtcdConfigurationServicesExtensions.HealthCheckName;
        if (!settings.DisableHealthChecks && builder.Properties.TryAdd($"Aspire.HealthChecks.{Check}", true))
            builder.Services.AddHealthChecks().AddEtcdConfiguration();
    }
}
