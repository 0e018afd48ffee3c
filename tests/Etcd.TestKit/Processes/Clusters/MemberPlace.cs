using System.Globalization;

namespace Etcd.TestKit.Processes.Clusters;

/// <summary>Where a member of a cluster listens, and as whom.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Client">Host and port for clients.</param>
/// <param name="Peer">Host and port for peers.</param>
/// <param name="Network">The network namespace that it runs in; null for the test's own.</param>
public sealed record MemberPlace(string Name, string Client, string Peer, string? Network = null)
{
    /// <summary>The URL for clients.</summary>
    public string ClientUrl => "http://" + Client;

    /// <summary>The URL for peers.</summary>
    public string PeerUrl => "http://" + Peer;

    /// <summary>Free ports on loopback for members etcd-0, etcd-1 and so on. Two clusters may use them one after the other.</summary>
    public static IReadOnlyList<MemberPlace> OnLoopback(int members) => [.. Enumerable.Range(0, members).Select(OnLoopbackAs)];

    private static MemberPlace OnLoopbackAs(int index) => new(
        "etcd-" + index.ToString(CultureInfo.InvariantCulture), $"127.0.0.1:{FreePorts.Take()}", $"127.0.0.1:{FreePorts.Take()}");
}
