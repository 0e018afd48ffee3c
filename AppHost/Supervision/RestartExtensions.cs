using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;

namespace AppHost.Supervision;

/// <summary>The process of the resource is started again when it ends without having been asked to.</summary>
internal sealed class RestartWhenDeadAnnotation : IResourceAnnotation
{
}

/// <summary>Aspire leaves a dead process dead; these bring back those that are marked.</summary>
internal static class RestartExtensions
{
    public static IResourceBuilder<T> WithRestartWhenDead<T>(this IResourceBuilder<T> builder)
        where T : IResource =>
        builder.WithAnnotation(new RestartWhenDeadAnnotation(), ResourceAnnotationMutationBehavior.Replace);

    public static void RestartsDeadResources(this IDistributedApplicationBuilder builder) =>
        builder.Services.AddHostedService<RestartSupervisor>();
}
