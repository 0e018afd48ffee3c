using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.GrpcClient;

/// <summary>
/// One member of the real etcd for a class of tests, where there is one: tests call <see cref="RealEtcd.Require"/> first.
/// </summary>
public sealed class RealMember : IAsyncLifetime
{
    private readonly ServerProcess? _server = RealEtcd.IsPresent ? ServerProcess.Create(ServerProgram.Real, "--unsafe-no-fsync") : null;

    public string Address => _server!.ClientUrl;

    public ValueTask InitializeAsync() => _server is null ? ValueTask.CompletedTask : new(_server.StartAsync(CancellationToken.None));

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;
}
