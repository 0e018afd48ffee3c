using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;

namespace AppHost.Supervision;

/// <summary>The process of the resource is started again when it ends without having been asked to.</summary>
/// <param name="LastWords">A part of a line of its log after which it must not come back.</param>
/// <param name="Word">What has become of it then, in a word.</param>
/// <param name="Meaning">What that means, and what to do.</param>
internal sealed record RestartWhenDeadAnnotation(string LastWords, string Word, string Meaning) : IResourceAnnotation;

/// <summary>Aspire leaves a dead process dead; these bring back those that are marked.</summary>
internal static class RestartExtensions
{
    public static IResourceBuilder<T> WithRestartWhenDead<T>(this IResourceBuilder<T> builder, RestartWhenDeadAnnotation unless)
        where T : IResource =>
        builder.WithAnnotation(unless, ResourceAnnotationMutationBehavior.Replace);

    public static void RestartsDeadResources(this IDistributedApplicationBuilder builder) =>
        builder.Services.AddHostedService<RestartSupervisor>();
}
