using Etcd.Behaviour.Asking;
using Etcd.TestKit.Processes;

namespace Etcd.Behaviour.Cases;

/// <summary>
/// The servers of one kind that cases run on: one with etcd's limits, one with small ones, and one for each case that must have its
/// own. Each is started when the first case asks for it.
/// </summary>
public abstract class Runner : IAsyncDisposable
{
    /// <summary>Small limits: what is refused for its size can be small, and progress is told as often as etcd allows.</summary>
    public static readonly IReadOnlyList<string> TightFlags =
        ["--max-request-bytes=2000", "--max-txn-ops=8", "--watch-progress-notify-interval=100ms"];

    private static readonly IReadOnlyList<string> ApartFlags = ["--bcrypt-cost=4"];

    private readonly Dictionary<string, Task<Asked>> _servers = [];

    internal Task<Asked> ServerFor(Case it)
    {
        string kind = it.IsApart ? it.Name : it.IsTight ? "tight" : "";
        if (!_servers.TryGetValue(kind, out Task<Asked>? server))
        {
            IReadOnlyList<string> flags = it.IsApart ? ApartFlags : it.IsTight ? TightFlags : [];
            _servers[kind] = server = StartAsync(flags, TestContext.Current.CancellationToken);
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
