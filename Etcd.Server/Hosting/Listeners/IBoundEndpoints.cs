namespace Etcd.Server.Hosting.Listeners;

/// <summary>Where the server listens. Complete once the host has started; safe to read from any thread.</summary>
public interface IBoundEndpoints
{
    /// <summary>The listen URLs in the order they were bound, with the real port where 0 was asked for.</summary>
    IReadOnlyList<EtcdEndpoint> Endpoints { get; }
}
