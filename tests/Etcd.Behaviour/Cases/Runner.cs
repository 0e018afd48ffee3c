using Etcd.Behaviour.Asking;
using Etcd.TestKit.Processes;

namespace Etcd.Behaviour.Cases;

/// <summary>
/// The servers of one kind that cases run on: one with etcd's limits, and one with small ones. Each is started when the first case
/// asks for it.
/// </summary>
public abstract class Runner : IAsyncDisposable
{
    /// <summary>Small limits: what is refused for its size can be small, and progress is told as often as etcd allows.</summary>
    public static readonly IReadOnlyList<string> TightFlags =
        ["--max-request-bytes=2000", "--max-txn-ops=8", "--watch-progress-notify-interval=100ms"];

    private readonly Dictionary<bool, Task<Asked>> _servers = [];

    internal Task<Asked> ServerFor(Case it)
    {
        if (!_servers.TryGetValue(it.IsTight, out Task<Asked>? server))
        {
            _servers[it.IsTight] = server = StartAsync(it.IsTight ? TightFlags : [], TestContext.Current.CancellationToken);
        }

        return server;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Task<Asked> server in _servers.Values)
        {
            if (server.IsCompletedSuccessfully)
            {
                await (await server).DisposeAsync();
            }
        }

        GC.SuppressFinalize(this);
    }

    private protected abstract Task<Asked> StartAsync(IReadOnlyList<string> flags, CancellationToken cancellation);
}

/// <summary>One member of this project's server.</summary>
public sealed class OneMember : Runner
{
    private protected override Task<Asked> StartAsync(IReadOnlyList<string> flags, CancellationToken cancellation) =>
        Asked.OneAsync(ServerProgram.Ours, flags, cancellation);
}

/// <summary>Three members of this project's server; one that follows is asked.</summary>
public sealed class ThreeMembers : Runner
{
    private protected override Task<Asked> StartAsync(IReadOnlyList<string> flags, CancellationToken cancellation) =>
        Asked.ThreeAsync(ServerProgram.Ours, flags, cancellation);
}

/// <summary>The real etcd 3.5.16.</summary>
public sealed class RealMember : Runner
{
    private protected override Task<Asked> StartAsync(IReadOnlyList<string> flags, CancellationToken cancellation) =>
        Asked.OneAsync(ServerProgram.Real, flags, cancellation);
}
