using System.Diagnostics;
using Etcd.Protocol.Etcdserverpb;

namespace Etcd.TestKit.Processes.Clusters;

/// <summary>
/// A cluster of processes of one program. Its disposal leaves neither processes nor folders. Members can be asked from several
/// threads; their processes are changed from one at a time.
/// </summary>
public sealed class ServerCluster : IAsyncDisposable
{
    private static readonly TimeSpan Patience = 2 * CapturedProcess.Patience;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    private readonly List<ClusterMember> _members;
    private readonly IReadOnlyList<string> _flags;

    private ServerCluster(ServerProgram program, IReadOnlyList<MemberPlace> places, IReadOnlyList<string> flags)
    {
        Program = program;
        _flags = flags;
        string initial = string.Join(',', places.Select(p => $"{p.Name}={p.PeerUrl}"));
        _members = [.. places.Select(p => new ClusterMember(program, p, initial, flags))];
    }

    /// <summary>What runs.</summary>
    public ServerProgram Program { get; }

    /// <summary>All members, those that were added too.</summary>
    public IReadOnlyList<ClusterMember> Members => _members;

    /// <summary>What etcdctl's --endpoints takes to know all members.</summary>
    public string Endpoints => string.Join(',', _members.Select(m => m.Place.Client));

    /// <summary>Prepares a cluster at those places without starting it.</summary>
    public static ServerCluster Create(ServerProgram program, IReadOnlyList<MemberPlace> places, params IReadOnlyList<string> flags) =>
        new(program, places, flags);

    /// <summary>Starts a cluster on loopback that need not survive the machine's crash, and waits until it has a leader.</summary>
    public static async Task<ServerCluster> StartAsync(ServerProgram program, int members, CancellationToken cancellation)
    {
        ServerCluster cluster = Create(program, MemberPlace.OnLoopback(members), "--unsafe-no-fsync");
        try
        {
            await cluster.StartAsync(cancellation);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts those that do not run, and waits until all know one leader.</summary>
    public async Task<ClusterMember> StartAsync(CancellationToken cancellation)
    {
        foreach (ClusterMember member in _members.Where(m => !m.IsActive))
        {
            await member.LaunchAsync();
        }

        await Task.WhenAll(_members.Select(m => m.WaitUntilReadyAsync(cancellation)));
        return await WaitForLeaderAsync(cancellation);
    }

    /// <summary>Prepares one more member, of which the cluster must be told before it is started.</summary>
    /// <param name="place">Where it is.</param>
    /// <param name="program">What runs, if not what the others run.</param>
    public ClusterMember Add(MemberPlace place, ServerProgram? program = null)
    {
        var member = new ClusterMember(program ?? Program, place, $"{_members[0].InitialCluster},{place.Name}={place.PeerUrl}", _flags)
        {
            InitialClusterState = "existing",
        };
        _members.Add(member);
        return member;
    }

    /// <summary>
    /// Waits until the active members agree on a leader among them, in one term: all of them, or those that are given.
    /// </summary>
    public async Task<ClusterMember> WaitForLeaderAsync(CancellationToken cancellation, IReadOnlyList<ClusterMember>? among = null)
    {
        ClusterMember? leader = null;
        await WaitUntilAsync("one leader", async () => (leader = await LeaderAsync(among ?? _members, cancellation)) is not null, cancellation);
        return leader!;
    }

    /// <summary>Waits until all active members have applied what the furthest of them has.</summary>
    public Task WaitUntilLevelAsync(CancellationToken cancellation) => WaitUntilAsync("all to be at one revision", async () =>
    {
        StatusResponse?[] all = await Task.WhenAll(_members.Where(m => m.IsActive).Select(m => m.StatusAsync(cancellation)));
        return all.All(s => s is not null) && all.Select(s => (s!.Header.Revision, s.RaftAppliedIndex)).Distinct().Count() == 1;
    }, cancellation);

    /// <summary>Waits for something that the cluster is to do.</summary>
    /// <exception cref="TimeoutException">It did not; has the end of each member's log.</exception>
    public async Task WaitUntilAsync(string what, Func<Task<bool>> holds, CancellationToken cancellation)
    {
        long started = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            if (Stopwatch.GetElapsedTime(started) > Patience)
            {
                throw new TimeoutException($"waited for {what};\n{Logs()}");
            }

            await Task.Delay(PollInterval, cancellation);
        }
    }

    /// <summary>The end of each member's log, for messages.</summary>
    public string Logs() => string.Join('\n', _members.Select(m =>
        $"{m.Name} ({(m.IsActive ? "active" : m.IsPaused ? "paused" : "ended")}):\n{string.Join('\n', m.Process.Lines.TakeLast(30))}"));

    public async ValueTask DisposeAsync()
    {
        foreach (ClusterMember member in _members)
        {
            await member.DisposeAsync();
        }
    }

    private static async Task<ClusterMember?> LeaderAsync(IReadOnlyList<ClusterMember> members, CancellationToken cancellation)
    {
        ClusterMember[] active = [.. members.Where(m => m.IsActive)];
        StatusResponse?[] all = await Task.WhenAll(active.Select(m => m.StatusAsync(cancellation)));
        return all.Length > 0 && all.All(s => s is { Leader: not 0 }) && all.Select(s => (s!.Leader, s.RaftTerm)).Distinct().Count() == 1
            ? active.SingleOrDefault(m => m.Id == all[0]!.Leader)
            : null;
    }
}
