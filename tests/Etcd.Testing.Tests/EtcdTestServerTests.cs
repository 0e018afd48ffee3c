using System.Collections.Concurrent;
using Etcd.Client;
using Microsoft.Extensions.Logging;

namespace Etcd.Testing.Tests;

/// <summary>Goal: a test gets an etcd of its own, can break it and mend it, and nothing is left behind.</summary>
public sealed class EtcdTestServerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_server_serves_what_an_etcd_serves()
    {
        await using EtcdTestServer etcd = await EtcdTestServer.StartAsync(cancellationToken: Cancel);
        await using EtcdClient client = etcd.CreateClient();

        await using EtcdWatcher watcher = await client.Watch.StartAsync(EtcdRange.Prefix("a/"), null, Cancel);
        long revision = (await client.Kv.PutAsync("a/1", "x", null, Cancel)).Revision;

        Assert.Equal("x", (await client.Kv.GetAsync("a/1", null, Cancel))?.Value.ToString());
        await using IAsyncEnumerator<EtcdWatchBatch> changes = watcher.GetAsyncEnumerator(Cancel);
        Assert.True(await changes.MoveNextAsync());
        Assert.Equal(revision, changes.Current.Revision);
        EtcdMember member = Assert.Single(await client.Cluster.ListMembersAsync(cancellationToken: Cancel));
        Assert.Equal([etcd.ConnectionString], member.ClientUrls);
    }

    [Fact]
    public async Task Servers_run_beside_each_other_and_are_different_clusters()
    {
        await using EtcdTestServer one = await EtcdTestServer.StartAsync(cancellationToken: Cancel);
        await using EtcdTestServer two = await EtcdTestServer.StartAsync(cancellationToken: Cancel);
        await using EtcdClient first = one.CreateClient();
        await using EtcdClient second = two.CreateClient();

        EtcdHeader header = (await first.Kv.PutAsync("a", "1", null, Cancel)).Header;

        Assert.Null(await second.Kv.GetAsync("a", null, Cancel));
        Assert.NotEqual(header.ClusterId, (await second.Kv.PutAsync("a", "2", null, Cancel)).Header.ClusterId);
    }

    [Fact]
    public async Task A_stopped_server_is_an_outage_and_comes_back_with_its_data()
    {
        await using EtcdTestServer etcd = await EtcdTestServer.StartAsync(cancellationToken: Cancel);
        await using EtcdClient client = etcd.CreateClient();
        await client.Kv.PutAsync("a", "1", null, Cancel);

        await etcd.StopAsync();
        await etcd.StopAsync();
        Assert.False(etcd.IsRunning);
        await Assert.ThrowsAnyAsync<EtcdException>(
            async () => await client.Kv.GetAsync("a", new EtcdGetOptions { Timeout = TimeSpan.FromMilliseconds(200) }, Cancel));

        await etcd.RestartAsync(Cancel);
        Assert.Equal("1", (await client.Kv.GetAsync("a", null, Cancel))?.Value.ToString());
        await Assert.ThrowsAsync<InvalidOperationException>(() => etcd.RestartAsync(Cancel));
    }

    [Fact]
    public async Task A_reset_leaves_no_key_and_no_lease()
    {
        await using EtcdTestServer etcd = await EtcdTestServer.StartAsync(cancellationToken: Cancel);
        await using EtcdClient client = etcd.CreateClient();
        EtcdLeaseGrant lease = await client.Leases.GrantAsync(TimeSpan.FromMinutes(5), null, Cancel);
        await client.Kv.PutAsync("a", "1", null, Cancel);
        await client.Kv.PutAsync("b", "1", new EtcdPutOptions { Lease = lease.Id }, Cancel);

        await etcd.ResetAsync(Cancel);

        Assert.Equal(0, await client.Kv.CountAsync(EtcdRange.All, null, Cancel));
        Assert.Empty(await client.Leases.ListAsync(null, Cancel));
    }

    [Fact]
    public async Task Data_goes_with_the_server_unless_it_has_a_folder()
    {
        string folder = Directory.CreateTempSubdirectory("etcd-testing-").FullName;
        try
        {
            await using (EtcdTestServer etcd = await EtcdTestServer.StartAsync(new EtcdTestServerOptions { DataDirectory = folder }, Cancel))
            {
                await using EtcdClient client = etcd.CreateClient();
                await client.Kv.PutAsync("a", "1", null, Cancel);
            }

            await using EtcdTestServer again = await EtcdTestServer.StartAsync(new EtcdTestServerOptions { DataDirectory = folder }, Cancel);
            await using EtcdClient reader = again.CreateClient();
            Assert.Equal("1", (await reader.Kv.GetAsync("a", null, Cancel))?.Value.ToString());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task It_logs_what_is_asked_for_and_nothing_by_default()
    {
        var quiet = new Lines();
        await (await EtcdTestServer.StartAsync(new EtcdTestServerOptions { LoggerProvider = quiet }, Cancel)).DisposeAsync();
        var talkative = new Lines();
        var options = new EtcdTestServerOptions { LoggerProvider = talkative, LogLevel = LogLevel.Information };
        await (await EtcdTestServer.StartAsync(options, Cancel)).DisposeAsync();

        Assert.Empty(quiet.All);
        Assert.NotEmpty(talkative.All);
        Assert.DoesNotContain(talkative.All, level => level < LogLevel.Information);
    }

    [Fact]
    public async Task A_port_in_use_is_an_error_that_leaves_nothing_behind()
    {
        await using EtcdTestServer etcd = await EtcdTestServer.StartAsync(cancellationToken: Cancel);

        await Assert.ThrowsAsync<IOException>(() => EtcdTestServer.StartAsync(new EtcdTestServerOptions { Port = etcd.Port }, Cancel));
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<LogLevel> All { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            All.Enqueue(logLevel);

        public void Dispose()
        {
        }
    }
}
