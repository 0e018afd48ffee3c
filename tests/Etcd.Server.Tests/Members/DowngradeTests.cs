using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Api.Maintenance;
using Etcd.Server.Hosting.Flags;
using Etcd.Server.Hosting.Members;
using Etcd.Server.Primitives;
using Etcd.Server.Tests.Api;
using Grpc.Core;
using static Etcd.Protocol.Etcdserverpb.DowngradeRequest.Types;

namespace Etcd.Server.Tests.Members;

/// <summary>
/// Goal: a downgrade goes as etcd's: asked for, seen everywhere, the agreed version lowered by the leader, members replaced one by one,
/// ended by itself; and what must not be is refused. Method: whole members in this process; a member's version is the one that it is
/// started with.
/// </summary>
[Collection(nameof(ClusterTests))]
public sealed class DowngradeTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ARequestIsCheckedInEtcdsOrder()
    {
        // Of this version none is lowered by the leader, so that nothing changes under the requests.
        await using ApiHost host = await ApiHost.StartAsync(options => options with { ClaimedVersion = ClaimedVersion.V35 });
        var maintenance = new Maintenance.MaintenanceClient(host.Channel);
        Task<DowngradeResponse> AskAsync(DowngradeAction action, string version) =>
            maintenance.DowngradeAsync(new DowngradeRequest { Action = action, Version = version }, cancellationToken: Cancel).ResponseAsync;
        async Task RefusedAsync(EtcdError error, DowngradeAction action, string version)
        {
            RpcException refused = await Assert.ThrowsAsync<RpcException>(() => AskAsync(action, version));
            Assert.Equal((error.Code, error.Text), (refused.StatusCode, refused.Status.Detail));
        }

        foreach (DowngradeAction action in new[] { DowngradeAction.Validate, DowngradeAction.Enable })
        {
            await RefusedAsync(EtcdErrors.WrongDowngradeVersionFormat, action, "x");
            await RefusedAsync(EtcdErrors.InvalidDowngradeTargetVersion, action, "3.3");
            await RefusedAsync(EtcdErrors.InvalidDowngradeTargetVersion, action, "3.5");
        }

        Assert.Equal("3.5", (await AskAsync(DowngradeAction.Validate, "3.4.2")).Version);
        Assert.Equal(new DowngradeInfo(), await InfoAsync());
        DowngradeResponse enabled = await AskAsync(DowngradeAction.Enable, "3.4");
        Assert.Equal(("3.5", host.Member.ClusterId, 1L), (enabled.Version, enabled.Header.ClusterId, enabled.Header.Revision));
        Assert.Equal(new DowngradeInfo { Enabled = true, TargetVersion = "3.4.0" }, await InfoAsync());
        await RefusedAsync(EtcdErrors.DowngradeInProcess, DowngradeAction.Validate, "3.4");
        await RefusedAsync(EtcdErrors.DowngradeInProcess, DowngradeAction.Enable, "3.4");
        await RefusedAsync(EtcdErrors.InvalidDowngradeTargetVersion, DowngradeAction.Enable, "3.2");
        await RefusedAsync(EtcdErrors.WrongDowngradeVersionFormat, DowngradeAction.Enable, "3");

        await AskAsync(DowngradeAction.Cancel, "what it says does not count");
        Assert.Equal(new DowngradeInfo(), await InfoAsync());
        // 3.7 answers so although there is nothing to end (server/etcdserver/v3_server.go: downgradeCancel).
        await AskAsync(DowngradeAction.Cancel, "");
        await RefusedAsync(EtcdErrors.UnknownMethod, (DowngradeAction)7, "3.4");

        async Task<DowngradeInfo> InfoAsync() => (await maintenance.StatusAsync(new StatusRequest(), cancellationToken: Cancel)).DowngradeInfo;
    }

    [Fact]
    public async Task MembersAreReplacedOneByOneAndTheDowngradeEnds()
    {
        await using InProcessCluster cluster = await StartAsync(3);
        string[] names = [.. cluster.Running.Keys];
        RunningMember follower = await cluster.WaitForFollowerAsync();
        await AskAsync(follower, DowngradeAction.Enable, "3.6");
        await VersionAsync(cluster, "3.6.0");
        foreach (RunningMember member in cluster.Running.Values)
        {
            await InProcessCluster.UntilAsync("the downgrade to be known", () => member.Member.Api.Downgrades.Current.Target == "3.6.0");
            StatusResponse status = await Service(member).Status(new StatusRequest(), new TestCall(Cancel));
            Assert.Equal((true, "3.6.0", "3.6.0"), (status.DowngradeInfo.Enabled, status.DowngradeInfo.TargetVersion, status.StorageVersion));
            Assert.True(await member.Member.PeerServices.IsDowngradeEnabledAsync(Cancel));
            await member.PutAsync(member.Name, "during");
        }

        cluster.Configure = options => Quick(options) with { ClaimedVersion = ClaimedVersion.V36 };
        foreach ((int i, string name) in names.Index())
        {
            // Until the last one is replaced it goes on.
            Assert.True(cluster.Running.Values.All(m => m.Member.Api.Downgrades.Current.IsEnabled), $"it ended before member {i} was replaced");
            await cluster.KillAsync(name);
            RunningMember back = await cluster.StartAsync(name);
            await back.StartedAsync();
            Assert.Equal("during", await back.GetAsync(name));
        }

        foreach (RunningMember member in cluster.Running.Values)
        {
            await InProcessCluster.UntilAsync("the downgrade to end", () => !member.Member.Api.Downgrades.Current.IsEnabled);
            Assert.Equal("3.6.0", member.Member.ClusterVersion);
            Assert.Equal("3.6.13", member.Member.ServerVersion);
        }

        // And up again, which needs nobody's word.
        cluster.Configure = Quick;
        foreach (string name in names)
        {
            await cluster.KillAsync(name);
            await (await cluster.StartAsync(name)).StartedAsync();
        }

        await VersionAsync(cluster, "3.7.0");
    }

    [Fact]
    public async Task OneThatIsCancelledLeavesTheVersionAsItWas()
    {
        await using InProcessCluster cluster = await StartAsync(1);
        RunningMember member = cluster["m1"];
        await AskAsync(member, DowngradeAction.Enable, "3.6");
        await VersionAsync(cluster, "3.6.0");

        // What is under way is in the member's data.
        await cluster.KillAsync("m1");
        member = await cluster.StartAsync("m1");
        await member.StartedAsync();
        Assert.Equal(("3.6.0", "3.6.0"), (member.Member.Api.Downgrades.Current.Target, member.Member.ClusterVersion));
        await AskAsync(member, DowngradeAction.Cancel, "");
        await VersionAsync(cluster, "3.7.0");
    }

    [Fact]
    public async Task AMemberBelowTheAgreedVersionDoesNotServe()
    {
        await using InProcessCluster cluster = await StartAsync(1);
        await VersionAsync(cluster, "3.7.0");
        await cluster.KillAsync("m1");
        cluster.Configure = options => Quick(options) with { ClaimedVersion = ClaimedVersion.V36 };
        RunningMember old = await cluster.StartAsync("m1");

        Exception why = await Assert.ThrowsAsync<ClusterStartException>(() => old.Member.Failed.WaitAsync(InProcessCluster.Patience, Cancel));
        Assert.StartsWith("invalid downgrade; server version is lower than determined cluster version", why.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<EtcdErrorException>(() => old.Member.Serving);
    }

    [Fact]
    public async Task DuringADowngradeOnlyAMemberOfItsVersionJoins()
    {
        await using InProcessCluster cluster = await StartAsync(1);
        RunningMember member = cluster["m1"];
        await AskAsync(member, DowngradeAction.Enable, "3.6");
        await VersionAsync(cluster, "3.6.0");
        await member.Cluster.MemberAdd(new MemberAddRequest { PeerURLs = { cluster.Name("m2") }, IsLearner = true }, new TestCall(Cancel));

        await Assert.ThrowsAsync<ClusterStartException>(() => cluster.StartAsync("m2", InitialClusterState.Existing));
        cluster.Configure = options => Quick(options) with { ClaimedVersion = ClaimedVersion.V36 };
        RunningMember joined = await cluster.StartAsync("m2", InitialClusterState.Existing);
        await joined.StartedAsync();
        Assert.Equal("3.6.0", joined.Member.ClusterVersion);
    }

    private static ServerOptions Quick(ServerOptions options) => options with { DowngradeCheckTime = TimeSpan.FromMilliseconds(100) };

    private static async Task<InProcessCluster> StartAsync(int members)
    {
        InProcessCluster cluster = await InProcessCluster.StartAsync(members, Quick);
        await VersionAsync(cluster, "3.7.0");
        return cluster;
    }

    private static Task VersionAsync(InProcessCluster cluster, string version) => InProcessCluster.UntilAsync(
        $"version {version}", () => cluster.Running.Values.All(m => m.Member.ClusterVersion == version));

    private static MaintenanceService Service(RunningMember member) => new(member.Member.Api);

    private static Task<DowngradeResponse> AskAsync(RunningMember member, DowngradeAction action, string version) =>
        Service(member).Downgrade(new DowngradeRequest { Action = action, Version = version }, new TestCall(Cancel));
}
