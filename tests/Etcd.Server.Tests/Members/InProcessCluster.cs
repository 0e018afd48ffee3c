using System.Diagnostics;
using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Api.Cluster;
using Etcd.Server.Apply;
using Etcd.Server.Hosting;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Hosting.Members;
using Etcd.Server.Io.Os;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Etcd.TestKit.Processes;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging.Abstractions;

namespace Etcd.Server.Tests.Members;

/// <summary>
/// Whole members in this process that talk to each other over loopback, each with its data in a folder that goes with the cluster.
/// Clients' calls go to the services directly. Nothing here waits for a fixed time.
/// </summary>
internal sealed class InProcessCluster : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("etcd-cluster-");
    private readonly SortedDictionary<string, string> _peerUrls = new(StringComparer.Ordinal);

    /// <summary>Changes the settings of members that are started from now on.</summary>
    public Func<ServerOptions, ServerOptions> Configure { get; set; } = static options => options;

    public SortedDictionary<string, RunningMember> Running { get; } = new(StringComparer.Ordinal);

    public RunningMember this[string name] => Running[name];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<InProcessCluster> StartAsync(int members, Func<ServerOptions, ServerOptions>? configure = null)
    {
        var cluster = new InProcessCluster();
        cluster.Configure = configure ?? cluster.Configure;
        string[] names = [.. Enumerable.Range(1, members).Select(i => $"m{i}")];
        foreach (string name in names)
        {
            cluster.Name(name);
        }

        foreach (string name in names)
        {
            await cluster.StartAsync(name);
        }

        foreach (string name in names)
        {
            await cluster[name].StartedAsync();
        }

        return cluster;
    }

    /// <summary>Gives a member that is to join a place; returns its peer URL.</summary>
    public string Name(string name) => _peerUrls[name] = $"http://127.0.0.1:{FreePorts.Take()}";

    /// <summary>The members that --initial-cluster names from now on are without this one.</summary>
    public void Forget(string name) => _peerUrls.Remove(name);

    /// <summary>Starts a member, or one that was stopped, with the data that it has.</summary>
    public async Task<RunningMember> StartAsync(string name, InitialClusterState state = InitialClusterState.New)
    {
        EtcdUrl url = EtcdUrl.Parse(_peerUrls[name]);
        ServerOptions options = Configure(new ServerOptions
        {
            Name = name,
            DataDir = DataDir(name),
            ListenClientUrls = [EtcdUrl.Parse("http://127.0.0.1:0")],
            AdvertiseClientUrls = [EtcdUrl.Parse($"http://{name}:2379")],
            ListenPeerUrls = [url],
            InitialAdvertisePeerUrls = [url],
            InitialCluster = string.Join(',', _peerUrls.Select(p => p.Key + "=" + p.Value)),
            InitialClusterState = state,
            StrictReconfigCheck = false,
            UnsafeNoFsync = true,
        });
        ClusterBirth birth = await ClusterBirth.FindAsync(options, OsFileSystem.Instance, NullLogger.Instance, Cancel);
        var member = new EtcdMember(options, OsFileSystem.Instance, TimeProvider.System, NullLogger.Instance, birth);
        WebApplication peers = ClientServer.BuildForPeers(options, member, NullLoggerFactory.Instance);
        member.Start();
        await peers.StartAsync(Cancel);
        return Running[name] = new RunningMember(name, member, peers);
    }

    /// <summary>Where a member has its data.</summary>
    public string DataDir(string name) => Path.Combine(_root.FullName, name);

    /// <summary>Ends a member without a word to the others.</summary>
    public async Task KillAsync(string name)
    {
        Running.Remove(name, out RunningMember? member);
        await member!.DisposeAsync();
    }

    public async Task<RunningMember> WaitForLeaderAsync()
    {
        RunningMember? leader = null;
        await UntilAsync("a leader that all know", () =>
        {
            leader = Running.Values.FirstOrDefault(m => m.Member.Leader == m.Member.MemberId);
            return leader is not null && Running.Values.All(m => m.Member.Leader == leader.Member.MemberId);
        });
        return leader!;
    }

    public async Task<RunningMember> WaitForFollowerAsync()
    {
        RunningMember leader = await WaitForLeaderAsync();
        return Running.Values.First(m => m != leader && !m.Member.IsLearner);
    }

    public static Task UntilAsync(string what, Func<bool> holds) => UntilAsync(what, () => Task.FromResult(holds()));

    public static async Task UntilAsync(string what, Func<Task<bool>> holds)
    {
        long began = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < Patience, $"waited too long for {what}");
            await Task.Delay(TimeSpan.FromMilliseconds(20), Cancel);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (RunningMember member in Running.Values)
        {
            await member.DisposeAsync();
        }

        _root.Delete(recursive: true);
    }
}

/// <summary>A member that runs, and what clients ask of it.</summary>
internal sealed record RunningMember(string Name, EtcdMember Member, WebApplication Peers) : IAsyncDisposable
{
    public ClusterService Cluster => new(Member.Api);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Waits until the cluster knows it; if it cannot go on, says why.</summary>
    public async Task StartedAsync() =>
        await await Task.WhenAny(Member.Failed, Member.Started).WaitAsync(InProcessCluster.Patience, Cancel);

    /// <summary>Puts, as often as it takes while leaders change.</summary>
    public Task PutAsync(string key, string value) => InProcessCluster.UntilAsync($"a put of {key} at {Name}", async () =>
    {
        try
        {
            var put = new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value) };
            await Member.Api.Proposals.ProposeAsync(RaftCommand.Create(RaftCommandKind.Put, put.ToByteArray()));
            return true;
        }
        catch (EtcdErrorException)
        {
            return false;
        }
    });

    /// <summary>The current value as a linearizable read gives it; null if there is no such key.</summary>
    public async Task<string?> GetAsync(string key)
    {
        await Member.LinearizeAsync(Cancel);
        return GetHere(key);
    }

    /// <summary>The value as this member alone knows it.</summary>
    public string? GetHere(string key)
    {
        var result = new Server.Storage.RangeResult();
        Member.Store.Range(new Server.Storage.RangeQuery { Key = System.Text.Encoding.UTF8.GetBytes(key) }, result);
        return result.Kvs.Length == 0 ? null : Protocol.Mvccpb.KeyValue.Parser.ParseFrom(result.Kvs[0].Span).Value.ToStringUtf8();
    }

    public async Task<LeaseId> GrantAsync(long ttl)
    {
        LeaseId id = Member.Ids.NextLease();
        var grant = new LeaseGrantRequest { ID = id.Value, TTL = ttl };
        ApplyOutcome outcome = await Member.Api.Proposals.ProposeAsync(RaftCommand.Create(RaftCommandKind.LeaseGrant, grant.ToByteArray()));
        Assert.Null(outcome.Error);
        return id;
    }

    public async ValueTask DisposeAsync()
    {
        Member.BeginStop();
        await Member.DisposeAsync();
        await Peers.DisposeAsync();
    }
}
