using AppHost.Supervision;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace AppHost.Cluster;

/// <summary>Makes a process a member of the cluster: its endpoints, its flags, its health.</summary>
internal static class MemberResourceExtensions
{
    public const string ClientEndpoint = "client";
    public const string PeerEndpoint = "peer";

    // What etcd says, this project's and the original, before it ends for this reason; its exit code is that of a clean stop.
    private const string RemovedText = "the member has been permanently removed from the cluster";

    public static IResourceBuilder<T> RunsMember<T>(this IResourceBuilder<T> builder, MemberLayout member, ClusterLayout cluster)
        where T : IResourceWithEndpoints, IResourceWithArgs => builder
            .WithHttpEndpoint(port: member.ClientPort, name: ClientEndpoint, isProxied: false)
            .WithHttpEndpoint(port: member.PeerPort, name: PeerEndpoint, isProxied: false)
            .WithArgs(
                "--name", member.Name,
                "--data-dir", member.DataDirectory,
                "--listen-client-urls", member.ClientUrl,
                "--advertise-client-urls", member.ClientUrl,
                "--listen-peer-urls", member.PeerUrl,
                "--initial-advertise-peer-urls", member.PeerUrl,
                "--initial-cluster", cluster.InitialCluster,
                "--initial-cluster-token", cluster.Name,
                "--initial-cluster-state", "new",
                "--log-level", "info")
            .WithHttpHealthCheck("/health", endpointName: ClientEndpoint)
            .WithRestartWhenDead(new(
                RemovedText,
                "removed",
                $"{member.Name} was removed from the cluster. To add a member in its place, delete {member.DataDirectory} first."));
}
