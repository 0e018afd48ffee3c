using Etcd.TestKit.Processes;
using Etcd.TestKit.Processes.Clusters;
using Grpc.Net.Client;

namespace Etcd.Behaviour.Asking;

/// <summary>
/// A server that is asked: a member by itself or, of a cluster, one that does not lead, because there more can go wrong. It runs as
/// processes, which its disposal ends. Its members may be used from any thread.
/// </summary>
internal sealed class Asked : IAsyncDisposable
{
    private readonly IAsyncDisposable _server;
    private readonly Func<IEnumerable<string>> _log;
    private readonly bool _ownsChannel;

    private Asked(GrpcChannel channel, bool isReference, IAsyncDisposable server, Func<IEnumerable<string>> log, bool ownsChannel)
    {
        Channel = channel;
        IsReference = isReference;
        _server = server;
        _log = log;
        _ownsChannel = ownsChannel;
    }

    /// <summary>The way to it.</summary>
    public GrpcChannel Channel { get; }

    /// <summary>Whether it is the real etcd 3.5.16, and not what is to answer as etcd 3.7.1 does.</summary>
    public bool IsReference { get; }

    /// <summary>The end of its log, for messages.</summary>
    public string Log => string.Join('\n', _log().TakeLast(20));

    /// <summary>Starts a member by itself.</summary>
    /// <param name="program">What to run.</param>
    /// <param name="flags">Flags as 3.7 calls them.</param>
    /// <param name="cancellation">Ends the wait for it.</param>
    public static async Task<Asked> OneAsync(ServerProgram program, IReadOnlyList<string> flags, CancellationToken cancellation)
    {
        ServerProcess server = await ServerProcess.StartAsync(program, flags, cancellation);
        return new Asked(GrpcChannel.ForAddress(server.ClientUrl), program == ServerProgram.Real, server, () => server.Process.Lines, ownsChannel: true);
    }

    /// <summary>Starts three members and asks one that follows.</summary>
    /// <param name="program">What to run.</param>
    /// <param name="flags">Flags as 3.7 calls them.</param>
    /// <param name="cancellation">Ends the wait for them.</param>
    public static async Task<Asked> ThreeAsync(ServerProgram program, IReadOnlyList<string> flags, CancellationToken cancellation)
    {
        ServerCluster cluster = ServerCluster.Create(program, MemberPlace.OnLoopback(3), ["--unsafe-no-fsync", .. flags]);
        try
        {
            ClusterMember leader = await cluster.StartAsync(cancellation);
            ClusterMember follower = cluster.Members.First(m => m != leader);
            return new Asked(
                follower.Channel, program == ServerProgram.Real, cluster, () => cluster.Members.SelectMany(m => m.Process.Lines.TakeLast(6)), ownsChannel: false);
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_ownsChannel)
        {
            Channel.Dispose();
        }

        await _server.DisposeAsync();
    }
}
