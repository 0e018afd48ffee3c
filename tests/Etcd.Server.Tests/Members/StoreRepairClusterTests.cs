using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Api.Maintenance;
using Etcd.Server.Api.Metrics;
using Etcd.Server.Apply.Alarms;
using Etcd.Server.Node;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;
using Google.Protobuf;

namespace Etcd.Server.Tests.Members;

/// <summary>
/// Goal: a bit that is flipped in a cold file of one member is found by its scrub, and the member gets its data back from the others
/// while clients go on; one that is alone says so and serves what it can. Method: whole members over loopback with files on the
/// real disk; what must come is waited for with a deadline.
/// </summary>
[Collection(nameof(ClusterTests))]
public sealed class StoreRepairClusterTests
{
    private const int Keys = 60;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AFollowersColdFileIsMendedWhileClientsGoOn()
    {
        await using InProcessCluster cluster = await StartAsync(3);
        RunningMember follower = await ColdAsync(cluster, await cluster.WaitForFollowerAsync());
        await FlippedBitIsMendedAsync(cluster, follower);
    }

    [Fact]
    public async Task TheLeadersColdFileIsMendedWhenItHasHandedOver()
    {
        await using InProcessCluster cluster = await StartAsync(3);
        RunningMember next = await ColdAsync(cluster, await cluster.WaitForFollowerAsync());
        RunningMember leader = await cluster.WaitForLeaderAsync();
        await leader.Member.Api.Changes.MoveLeaderAsync(next.Member.MemberId, TimeSpan.FromSeconds(10), Cancel);
        Assert.Equal(next, await cluster.WaitForLeaderAsync());
        await FlippedBitIsMendedAsync(cluster, next);
        Assert.NotEqual(next, await cluster.WaitForLeaderAsync());
    }

    [Fact]
    public async Task AMemberThatFindsADamagedIndexAtItsStartIsMendedBeforeItServes()
    {
        await using InProcessCluster cluster = await StartAsync(3);
        RunningMember follower = await ColdAsync(cluster, await cluster.WaitForFollowerAsync());
        await cluster.KillAsync(follower.Name);
        string file = SegmentsOf(cluster, follower.Name)[0];
        byte[] bytes = await File.ReadAllBytesAsync(file, Cancel);
        Flip(file, bytes.Length - 5);
        RunningMember back = await cluster.StartAsync(follower.Name);
        await back.Member.Serving.WaitAsync(InProcessCluster.Patience, Cancel);
        Assert.Equal(1, back.Member.Api.Figures.Integrity.RepairsFromMembers);
        Assert.Equal("cold value 7", await back.GetAsync("cold7"));
        await EqualAsync(cluster);
        await InProcessCluster.UntilAsync("the damaged file to go", () => !File.Exists(file));
        Assert.Empty(back.Member.Api.Alarms.Raised);
    }

    [Fact]
    public async Task AMemberThatIsAloneRaisesAnAlarmAboutItselfAndServesWhatIsWhole()
    {
        await using InProcessCluster cluster = await StartAsync(1);
        RunningMember alone = await ColdAsync(cluster, cluster["m1"]);
        Damage(cluster, alone);
        await InProcessCluster.UntilAsync("the alarm", () => alone.Member.Api.Alarms.Raised.Contains(new RaisedAlarm(alone.Member.MemberId, AlarmKind.Corrupt)));
        Assert.True(alone.Member.Api.Figures.Integrity.Damages > 0);
        Assert.Equal(0, alone.Member.Api.Figures.Integrity.RepairsFromMembers);
        var maintenance = new MaintenanceService(alone.Member.Api);
        await RefusedAsync(EtcdErrors.Corrupt, () => alone.Member.Api.Proposals.ProposeAsync(RaftCommand.Create(
            RaftCommandKind.Put, new PutRequest { Key = ByteString.CopyFromUtf8("more") }.ToByteArray())));
        await RefusedAsync(EtcdErrors.Corrupt, () => maintenance.Defragment(new DefragmentRequest(), new TestCall(Cancel)));
        Assert.Equal("warm", await alone.GetAsync("warm"));
        Assert.Throws<StoreException>(() => alone.GetHere("cold7"));
        Assert.Contains("etcd_store_damages_total 1", new MemberMetrics(alone.Member.Api).Write(), StringComparison.Ordinal);
    }

    private static Task<InProcessCluster> StartAsync(int members) => InProcessCluster.StartAsync(members, o => o with
    {
        SnapshotCount = 20,
        ScrubInterval = TimeSpan.FromMilliseconds(100),
    });

    /// <summary>Gives the cluster records, and restarts a member, so that it has those in its files only.</summary>
    private static async Task<RunningMember> ColdAsync(InProcessCluster cluster, RunningMember member)
    {
        for (int i = 0; i < Keys; i++)
        {
            await member.PutAsync($"cold{i}", $"cold value {i}");
        }

        // Those that are in no checkpoint are not in the files.
        for (int i = 0; i < 45; i++)
        {
            await member.PutAsync("warm", "warm");
        }

        await cluster.KillAsync(member.Name);
        RunningMember back = await cluster.StartAsync(member.Name);
        await back.StartedAsync();
        await back.Member.Serving.WaitAsync(InProcessCluster.Patience, Cancel);
        return back;
    }

    private static async Task FlippedBitIsMendedAsync(InProcessCluster cluster, RunningMember damaged)
    {
        using var stop = new CancellationTokenSource();
        Task<int> writing = WriteAsync(cluster.Running.Values.First(m => m != damaged), stop.Token);
        string[] files = Damage(cluster, damaged);
        IntegrityFigures figures = damaged.Member.Api.Figures.Integrity;
        await InProcessCluster.UntilAsync("the damage to be found", () => figures.Damages > 0);
        await InProcessCluster.UntilAsync("the repair", () => figures.RepairsFromMembers > 0);
        await stop.CancelAsync();
        Assert.True(await writing > 0);
        await damaged.PutAsync("after", "repair");
        Assert.Equal("cold value 7", await damaged.GetAsync("cold7"));
        await EqualAsync(cluster);
        await InProcessCluster.UntilAsync("the damaged files to go", () => !files.Any(File.Exists));
        Assert.False(damaged.Member.Store.IsDamaged);
        Assert.Empty(damaged.Member.Api.Alarms.Raised);
        long scrubs = damaged.Member.Store.Scrubs;
        await InProcessCluster.UntilAsync("another scrub", () => damaged.Member.Store.Scrubs > scrubs + 1);
        Assert.Equal(1, figures.RepairsFromMembers);
        string metrics = new MemberMetrics(damaged.Member.Api).Write();
        Assert.Contains("etcd_store_repairs_total{source=\"member\"} 1", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("etcd_store_damages_total 0", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("etcd_store_scrubbed_bytes_total 0", metrics, StringComparison.Ordinal);
    }

    private static async Task<int> WriteAsync(RunningMember member, CancellationToken stop)
    {
        int written = 0;
        for (; !stop.IsCancellationRequested; written++)
        {
            await member.PutAsync("meanwhile", $"{written}");
        }

        return written;
    }

    private static async Task EqualAsync(InProcessCluster cluster)
    {
        var hashes = new HashSet<HistoryHash>();
        await InProcessCluster.UntilAsync("equal data", () =>
        {
            hashes.Clear();
            foreach (RunningMember member in cluster.Running.Values)
            {
                member.Member.Store.HashKv(0, out HistoryHash hash, out _);
                hashes.Add(hash);
            }

            return hashes.Count == 1;
        });
    }

    private static string[] SegmentsOf(InProcessCluster cluster, string name) =>
        [.. Directory.GetFiles(Path.Combine(cluster.DataDir(name), "member", "store"), "*.seg").Order(StringComparer.Ordinal)];

    /// <summary>Flips a bit of a record wherever it stands; returns the files.</summary>
    private static string[] Damage(InProcessCluster cluster, RunningMember member)
    {
        var damaged = new List<string>();
        foreach (string file in SegmentsOf(cluster, member.Name))
        {
            byte[] bytes = File.ReadAllBytes(file);
            // Runs that were written again are still there, and count no more.
            for (int at = bytes.AsSpan().IndexOf("cold value 7"u8); at >= 0;)
            {
                Flip(file, at + 3);
                damaged.Add(file);
                int next = bytes.AsSpan(at + 1).IndexOf("cold value 7"u8);
                at = next < 0 ? -1 : at + 1 + next;
            }
        }

        Assert.NotEmpty(damaged);
        return [.. damaged.Distinct()];
    }

    private static void Flip(string file, long at)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        stream.Position = at;
        int value = stream.ReadByte();
        stream.Position = at;
        stream.WriteByte((byte)(value ^ 1));
    }

    private static async Task RefusedAsync(EtcdError error, Func<Task> call) =>
        Assert.Equal(error, (await Assert.ThrowsAsync<EtcdErrorException>(call)).Error);
}
