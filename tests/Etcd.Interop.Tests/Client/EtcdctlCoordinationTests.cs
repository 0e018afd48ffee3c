using System.Globalization;
using Etcd.Client;
using Etcd.Client.Tests.Suites;
using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Client;

/// <summary>
/// Goal: locks and elections of this client and those of Go's concurrency package are the same. Method: the real etcdctl holds, and ours
/// waits, and the other way round, on this project's server and on the real one.
/// </summary>
public sealed class EtcdctlCoordinationTests : CoordinationSuite
{
    private ServerProcess? _server;

    protected override string Url => _server!.ClientUrl;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Etcdctl_lock_and_ours_exclude_each_other(bool ours)
    {
        await StartAsync(ours);
        EtcdSession session = await NewSessionAsync();
        var mutex = new EtcdMutex(session, "shared");
        EtcdLock first = await mutex.LockAsync(Token);

        await using CapturedProcess ctl = EtcdCtl.Start(_server!.Endpoint, "lock", "shared");
        await UntilKeysAsync("shared/", 2);
        Assert.Empty(ctl.StdoutLines);
        await first.DisposeAsync();
        await ctl.WaitForLineAsync("shared/", Token);
        EtcdKeyValue theirs = Assert.Single((await Client.Kv.GetRangeAsync(EtcdRange.Prefix("shared/"), cancellationToken: Token)).Items);
        Assert.Equal(ctl.StdoutLines[0], theirs.Key.ToString());
        Assert.Equal("shared/" + theirs.Lease.Value.ToString("x", CultureInfo.InvariantCulture), theirs.Key.ToString());

        Assert.Null(await mutex.TryLockAsync(cancellationToken: Token));
        Task<EtcdLock> waiting = mutex.LockAsync(Token).AsTask();
        await UntilKeysAsync("shared/", 2);
        Assert.False(waiting.IsCompleted);
        ctl.Send(Signal.Terminate);
        await using EtcdLock second = await InTimeAsync(waiting);

        Assert.True(first.FencingRevision < theirs.CreateRevision);
        Assert.True(theirs.CreateRevision < second.FencingRevision);
    }

    /// <summary>What etcdctl runs under its lock is told the key and revision that ours would have.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_command_under_etcdctls_lock_runs_when_ours_lets_go(bool ours)
    {
        await StartAsync(ours);
        EtcdLock held = await new EtcdMutex(await NewSessionAsync(), "job").LockAsync(Token);
        await using CapturedProcess ctl = EtcdCtl.Start(_server!.Endpoint, "lock", "job", "env");
        await UntilKeysAsync("job/", 2);

        await held.DisposeAsync();
        CommandResult result = await ctl.WaitForExitAsync(Token);

        Assert.Equal(0, result.ExitCode);
        string[] variables = result.Stdout.Split('\n');
        Assert.Contains(variables, line => line.StartsWith("ETCD_LOCK_KEY=job/", StringComparison.Ordinal));
        string revision = Assert.Single(variables, line => line.StartsWith("ETCD_LOCK_REV=", StringComparison.Ordinal)).Split('=')[1];
        Assert.True(long.Parse(revision, CultureInfo.InvariantCulture) > held.FencingRevision);
        await UntilKeysAsync("job/", 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Etcdctl_elect_and_ours_lead_one_after_the_other(bool ours)
    {
        await StartAsync(ours);
        var election = new EtcdElection(await NewSessionAsync(), "chair");
        await using CapturedProcess observer = EtcdCtl.Start(_server!.Endpoint, "elect", "-l", "chair");
        EtcdLeadership first = await election.CampaignAsync("ours-1", Token);
        await observer.WaitForLineAsync("ours-1", Token);
        await first.ProclaimAsync("ours-2", Token);
        await observer.WaitForLineAsync("ours-2", Token);

        await using CapturedProcess ctl = EtcdCtl.Start(_server!.Endpoint, "elect", "chair", "theirs");
        await UntilKeysAsync("chair/", 2);
        Assert.Empty(ctl.StdoutLines);
        await first.DisposeAsync();
        await ctl.WaitForLineAsync("theirs", Token);
        await observer.WaitForLineAsync("theirs", Token);
        Assert.Equal("theirs", (await election.GetLeaderAsync(Token))!.Value.ToString());

        Task<EtcdLeadership> waiting = election.CampaignAsync("ours-3", Token).AsTask();
        await UntilKeysAsync("chair/", 2);
        Assert.False(waiting.IsCompleted);
        ctl.Send(Signal.Terminate);
        EtcdLeadership last = await InTimeAsync(waiting);
        await observer.WaitForLineAsync("ours-3", Token);

        Assert.True(last.FencingRevision > first.FencingRevision);
    }

    private async Task StartAsync(bool ours)
    {
        RealEtcd.Require();
        _server = Keep(await ServerProcess.StartAsync(ours ? ServerProgram.Ours : ServerProgram.Real, [], Token));
    }
}
