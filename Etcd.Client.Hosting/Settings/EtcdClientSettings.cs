using System.Diagnostics.CodeAnalysis;

namespace Etcd.Client.Hosting;

/// <summary>
/// How an application's etcd client connects, and what of it the application watches. They are read while the application is built: from the
/// section <c>Aspire:Etcd:Client</c>, then from that of the client's name below it, then from the connection string of that name.
/// </summary>
/// <example>
/// <code>
/// builder.AddEtcdClient("etcd", settings =&gt;
/// {
///     settings.Endpoints.Add("http://localhost:2379");
///     settings.DisableHealthChecks = true;
/// });
/// </code>
/// </example>
public sealed class EtcdClientSettings
{
    /// <summary>The section of the configuration.</summary>
    public const string SectionName = "Aspire:Etcd:Client";

    /// <summary>A list of URIs, or <c>Endpoints=..;Username=..;Password=..</c>; see <see cref="EtcdClientOptions.Parse"/>.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>The members' client addresses, where <see cref="ConnectionString"/> names none.</summary>
    [SuppressMessage("Usage", "CA2227:Collection properties should be read only", Justification = "Settings are bound from configuration.")]
    public IList<string> Endpoints { get; set; } = [];

    /// <summary>The user, where <see cref="ConnectionString"/> names none.</summary>
    public string? Username { get; set; }

    /// <summary>The user's password.</summary>
    public string? Password { get; set; }

    /// <summary>Whether no health check is added.</summary>
    public bool DisableHealthChecks { get; set; }

    /// <summary>Whether the client's spans are not collected by OpenTelemetry.</summary>
    public bool DisableTracing { get; set; }

    /// <summary>Whether the client's metrics are not collected by OpenTelemetry.</summary>
    public bool DisableMetrics { get; set; }

    /// <summary>How long a health check may take; null for the client's timeout of calls.</summary>
    public TimeSpan? HealthCheckTimeout { get; set; }

    /// <summary>Sets what the settings say about the connection.</summary>
    /// <exception cref="InvalidOperationException">They name no endpoint.</exception>
    internal void ApplyTo(EtcdClientOptions options, string connectionName)
    {
        if (!string.IsNullOrWhiteSpace(ConnectionString))
            options.ApplyConnectionString(ConnectionString);
        if (options.Endpoints.Count == 0)
            foreach (string endpoint in Endpoints)
                options.Endpoints.Add(endpoint);
        if (options.Username is null && options.Token is null && options.TokenProvider is null)
        {
            options.Username = Username;
            options.Password = Password;
        }

        if (options.Endpoints.Count == 0)
            throw new InvalidOperationException(
                $"The etcd client '{connectionName}' has no endpoint: neither the connection string 'ConnectionStrings:{connectionName}' nor the "
                + $"section '{SectionName}' (or '{SectionName}:{connectionName}') names one.");
    }
}
