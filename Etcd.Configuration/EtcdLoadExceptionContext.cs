namespace Etcd.Configuration;

/// <summary>A load that failed.</summary>
public sealed class EtcdLoadExceptionContext
{
    internal EtcdLoadExceptionContext(EtcdConfigurationProvider provider, Exception exception, bool isReload)
    {
        Provider = provider;
        Exception = exception;
        IsReload = isReload;
    }

    /// <summary>Whose load it was.</summary>
    public EtcdConfigurationProvider Provider { get; }

    /// <summary>Why it failed: an <see cref="EtcdConfigurationException"/> for values that cannot be read, else what the client says.</summary>
    public Exception Exception { get; }

    /// <summary>Whether there are settings already, which stay; what <see cref="Ignore"/> says does not count then.</summary>
    public bool IsReload { get; }

    /// <summary>
    /// Whether the application goes on. It is set to what happens unless you change it: true for a reload, where the last known good
    /// file has taken the place, and where the source is optional and etcd cannot be reached.
    /// </summary>
    public bool Ignore { get; set; }
}
