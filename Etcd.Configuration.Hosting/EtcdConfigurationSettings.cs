using System.Diagnostics.CodeAnalysis;

namespace Etcd.Configuration.Hosting;

/// <summary>
/// Which settings an application takes from etcd, and how. They are read while the application is built: from the section
/// <c>Aspire:Etcd:Configuration</c>, then from that of the connection's name below it, then from the connection string of that name.
/// </summary>
public sealed class EtcdConfigurationSettings
{
    /// <summary>The section of the configuration.</summary>
    public const string SectionName = "Aspire:Etcd:Configuration";

    /// <summary>The prefix that counts where no other is named.</summary>
    public const string DefaultPrefix = "config/";

    /// <summary>A list of URIs, or <c>Endpoints=..;Username=..;Password=..</c>.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>The prefixes of the keys; later ones override. <see cref="DefaultPrefix"/> where there are none.</summary>
    [SuppressMessage("Usage", "CA2227:Collection properties should be read only", Justification = "Settings are bound from configuration.")]
    public IList<string> Prefixes { get; set; } = [];

    /// <summary>What the values are. Text by default.</summary>
    public EtcdValueFormat Format { get; set; }

    /// <summary>Whether the application may start without; see <see cref="EtcdConfigurationSource.Optional"/>.</summary>
    public bool Optional { get; set; }

    /// <summary>How long the first load may take; null for the source's default.</summary>
    public TimeSpan? LoadTimeout { get; set; }

    /// <summary>A file for the last good settings; see <see cref="EtcdConfigurationSource.LastKnownGoodFile"/>.</summary>
    public string? LastKnownGoodFile { get; set; }

    /// <summary>Whether changes are not seen while the application runs.</summary>
    public bool DisableReload { get; set; }

    /// <summary>Whether no health check is added.</summary>
    public bool DisableHealthChecks { get; set; }

    /// <summary>Whether the provider's spans are not collected by OpenTelemetry.</summary>
    public bool DisableTracing { get; set; }

    /// <summary>Whether the provider's metrics are not collected by OpenTelemetry.</summary>
    public bool DisableMetrics { get; set; }

    internal void ApplyTo(EtcdConfigurationSource source)
    {
        source.ConnectionString = ConnectionString;
        source.Optional = Optional;
        source.ReloadOnChange = !DisableReload;
        source.LoadTimeout = LoadTimeout ?? source.LoadTimeout;
        source.LastKnownGoodFile = LastKnownGoodFile;
        foreach (string prefix in Prefixes.Count != 0 ? Prefixes : [DefaultPrefix])
            source.AddPrefix(prefix, Format);
    }
}
