using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Etcd.Client.Hosting;

/// <summary>Says what runs on the leader of an election; see <c>AddEtcdLeaderElection</c>.</summary>
/// <example>
/// <code>
/// builder.Services.AddEtcdLeaderElection("scheduler").AddHostedService&lt;Scheduler&gt;().AddLeaderService&lt;Cleaner&gt;();
/// </code>
/// </example>
public sealed class EtcdLeaderElectionBuilder
{
    internal EtcdLeaderElectionBuilder(IServiceCollection services, string name)
    {
        Services = services;
        Name = name;
    }

    /// <summary>The application's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>The election's name.</summary>
    public string Name { get; }

    /// <summary>
    /// Runs a service on the leader only, such as a <see cref="BackgroundService"/>: it is made anew, in a scope of its own, and started
    /// when this instance wins, and stopped before the leadership can be lost. Register it nowhere else.
    /// </summary>
    public EtcdLeaderElectionBuilder AddHostedService<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TService>()
        where TService : class, IHostedService
    {
        Services.TryAddScoped<TService>();
        Services.AddKeyedSingleton(Name, new LeaderServiceFactory(scope => new HostedLeaderService(scope.GetRequiredService<TService>())));
        return this;
    }

    /// <summary>Runs a service on the leader only, which is told the leadership. It is made anew for each, in a scope of its own.</summary>
    public EtcdLeaderElectionBuilder AddLeaderService<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TService>()
        where TService : class, ILeaderService
    {
        Services.TryAddScoped<TService>();
        Services.AddKeyedSingleton(Name, new LeaderServiceFactory(scope => new RunningLeaderService(scope.GetRequiredService<TService>())));
        return this;
    }
}
