using AppHost.Cluster;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace AppHost.Samples;

/// <summary>Adds the applications of samples/, which use the cluster by its connection string and start when it is healthy.</summary>
internal static class SampleExtensions
{
    public const string SettingsName = "settings";
    public const string Endpoint = "http";

    private const int Workers = 3;

    public static void AddSamples(
        this IDistributedApplicationBuilder builder, IResourceBuilder<ClusterResource> cluster, ClusterLayout layout)
    {
        builder.AddProject<Projects.LiveSettings>(SettingsName, launchProfileName: null)
            .WithHttpEndpoint(name: Endpoint)
            .WithEnvironment("ASPNETCORE_ENVIRONMENT", "Development")
            .WithHttpHealthCheck("/health", endpointName: Endpoint)
            .UsesCluster(cluster, layout, "its page follows the keys below config/Page/: etcdctl put config/Page/Color darkorange");
        foreach (var name in Enumerable.Range(0, Workers).Select(i => $"worker-{i}"))
        {
            builder.AddProject<Projects.LeaderWorker>(name, launchProfileName: null)
                .WithEnvironment("Worker__Name", name)
                .UsesCluster(cluster, layout, "the one that leads counts: etcdctl watch samples/count");
        }
    }

    private static void UsesCluster(
        this IResourceBuilder<ProjectResource> sample,
        IResourceBuilder<ClusterResource> cluster,
        ClusterLayout layout,
        string description)
    {
        sample.WithAnnotation(new SampleAnnotation(description)).WithReference(cluster).WaitFor(cluster);
        // What waits for others is stopped before them: a sample says goodbye to a cluster that is still there.
        var builder = sample.ApplicationBuilder;
        foreach (var member in layout.Members)
        {
            sample.WaitForStart(builder.CreateResourceBuilder(builder.Resources.Single(r => r.Name == member.Name)));
        }
    }
}
