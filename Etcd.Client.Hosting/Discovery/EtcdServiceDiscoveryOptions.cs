namespace Etcd.Client.Hosting;

/// <summary>How services are found in etcd.</summary>
public sealed class EtcdServiceDiscoveryOptions
{
    /// <summary>
    /// What stands before a service's name: the endpoints of <c>http://orders</c> are those of the target <c>services/orders</c> of
    /// <see cref="EtcdEndpointManager"/>. The default is <c>services/</c>.
    /// </summary>
    public string Prefix { get; set; } = "services/";

    /// <summary>
    /// Which names are looked for in etcd. By default those without a dot: a name with dots is one of DNS, and need not be watched for in
    /// etcd.
    /// </summary>
    public Func<string, bool> Handles { get; set; } = static name => !name.Contains('.', StringComparison.Ordinal);

    /// <summary>
    /// How long the first request to a service waits for etcd to tell its endpoints; none are known then, until etcd does. The default is
    /// 5 seconds.
    /// </summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);
}
