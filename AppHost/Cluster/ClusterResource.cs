using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace AppHost.Cluster;

/// <summary>
/// The cluster as one thing: it runs with the application, and is healthy while a majority of its members is. Its connection string names
/// all members, for clients that pass over those that are down.
/// </summary>
internal sealed class ClusterResource(string name, ClusterLayout cluster) : Resource(name), IResourceWithConnectionString
{
    public ReferenceExpression ConnectionStringExpression =>
        ReferenceExpression.Create($"{string.Join(',', cluster.Members.Select(m => m.ClientUrl))}");
}

/// <summary>Adds the cluster's own resource.</summary>
internal static class ClusterResourceExtensions
{
    public const string Name = "etcd";

    private const string QuorumCheck = "etcd_quorum";

    public static IResourceBuilder<ClusterResource> AddCluster(this IDistributedApplicationBuilder builder, ClusterLayout cluster)
    {
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(QuorumCheck, _ => new QuorumHealthCheck(cluster), null, null));
        return builder.AddResource(new ClusterResource(Name, cluster))
            .WithInitialState(new CustomResourceSnapshot
            {
                ResourceType = "Etcd cluster",
                Properties = [new ResourcePropertySnapshot("members", cluster.Members.Count.ToString(CultureInfo.InvariantCulture))],
            })
            .OnInitializeResource(async (resource, e, cancellationToken) =>
            {
                await e.Eventing.PublishAsync(new ConnectionStringAvailableEvent(resource, e.Services), cancellationToken);
                await e.Notifications.PublishUpdateAsync(resource, s => s with { State = KnownResourceStates.Running });
            })
            .WithHealthCheck(QuorumCheck)
            .ExcludeFromManifest();
    }
}

/// <summary>Healthy while more than half of the members say that they are. A member says so only if it knows a leader.</summary>
internal sealed class QuorumHealthCheck(ClusterLayout cluster) : IHealthCheck
{
    private static readonly HttpClient s_http = new() { Timeout = TimeSpan.FromSeconds(5) };

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var answers = await Task.WhenAll(cluster.Members.Select(m => IsHealthyAsync(m, cancellationToken)));
        var healthy = answers.Count(a => a);
        var description = $"{healthy} of {cluster.Members.Count} members are healthy, {cluster.Quorum} are needed";
        return healthy == cluster.Members.Count ? HealthCheckResult.Healthy(description)
            : healthy >= cluster.Quorum ? HealthCheckResult.Degraded(description)
            : HealthCheckResult.Unhealthy(description);
    }

    private static async Task<bool> IsHealthyAsync(MemberLayout member, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await s_http.GetAsync(new Uri(member.ClientUrl + "/health"), cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
