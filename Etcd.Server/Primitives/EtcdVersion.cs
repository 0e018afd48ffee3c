namespace Etcd.Server.Primitives;

/// <summary>The version of etcd whose interface is served; tools decide by it what they may send.</summary>
public static class EtcdVersion
{
    /// <summary>What Status, /version and --version say.</summary>
    public const string Server = "3.7.1";

    /// <summary>What members agree on as the cluster's version, and the storage's.</summary>
    public const string Cluster = "3.7.0";
}
