namespace Aspire.Hosting;

/// <summary>How an application is built.</summary>
public sealed class DistributedApplicationOptions
{
    public string[]? Args { get; set; }

    /// <summary>The assembly of the AppHost; by default the entry assembly.</summary>
    public string? AssemblyName { get; set; }

    /// <summary>The folder against which relative paths are resolved; by default that of the AppHost's project.</summary>
    public string? ProjectDirectory { get; set; }

    /// <summary>
    /// The stand-in starts no dashboard; the property decides, as always, whether waiting for a resource gives up once that
    /// resource ended.
    /// </summary>
    public bool DisableDashboard { get; set; }

    /// <summary>Writes the log of every resource to the application's own, category <c>{AppHost}.Resources.{name}</c>.</summary>
    public bool EnableResourceLogging { get; set; }
}
