using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Etcd.Client.Hosting;

/// <summary>What the application knows of an election.</summary>
internal sealed class LeaderElectionState(string name, IServiceProvider services) : IEtcdLeaderElection
{
    private readonly EtcdLeaderElectionOptions _options =
        services.GetRequiredService<IOptionsMonitor<EtcdLeaderElectionOptions>>().Get(name);

    private EtcdLeadership? _leadership;

    public string Name => name;

    public bool IsLeader => Leadership is { IsLost: false };

    public EtcdLeadership? Leadership
    {
        get => Volatile.Read(ref _leadership);
        set => Volatile.Write(ref _leadership, value);
    }

    public EtcdLeaderElectionOptions Options => _options;

    public IEtcdClient Client { get; } = FindClient(name, services);

    public ValueTask<EtcdKeyValue?> GetLeaderAsync(CancellationToken cancellationToken) =>
        EtcdElection.GetLeaderAsync(Client, name, cancellationToken);

    public IAsyncEnumerable<EtcdKeyValue> ObserveAsync(CancellationToken cancellationToken) =>
        EtcdElection.ObserveAsync(Client, name, cancellationToken);

    private static IEtcdClient FindClient(string name, IServiceProvider services)
    {
        string? key = services.GetRequiredService<IOptionsMonitor<EtcdLeaderElectionOptions>>().Get(name).ClientKey;
        return key is null ? services.GetRequiredService<IEtcdClient>() : services.GetRequiredKeyedService<IEtcdClient>(key);
    }
}
