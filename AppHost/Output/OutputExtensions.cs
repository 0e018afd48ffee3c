using AppHost.Cluster;
using Aspire.Hosting;
using Aspire.Hosting.Lifecycle;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AppHost.Output;

/// <summary>Shows on the console what the members are and what they say.</summary>
internal static class OutputExtensions
{
    public static void ShowsMembers(this IDistributedApplicationBuilder builder, ClusterLayout cluster)
    {
        // The members' own lines and the table say it all; what the hosting layer has to report is a warning or worse.
        builder.Services.AddLogging(logging => logging.AddFilter("Aspire.Hosting", LogLevel.Warning));
        builder.Services.AddSingleton(cluster);
        builder.Services.AddSingleton<ConsoleWriter>();
        builder.Services.AddSingleton<LogForwarder>();
        builder.Services.AddSingleton<MemberBoard>();
        builder.Services.AddHostedService<StateWatcher>();
        builder.Services.AddEventingSubscriber<MemberOutput>();
    }

    /// <summary>Waits, shortly, until the last lines of the members are written.</summary>
    public static Task FlushOutputAsync(this DistributedApplication application) =>
        application.Services.GetRequiredService<LogForwarder>().FlushAsync();
}
