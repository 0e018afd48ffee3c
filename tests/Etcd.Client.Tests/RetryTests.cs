using Etcd.Client.Tests.Suites;
using Etcd.TestKit.Members;
using Etcd.TestKit.Network;
using Etcd.TestKit.Processes;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Etcd.Client.Tests;

/// <summary>
/// Goal: calls fail over and are tried again exactly where that is safe. Method: a proxy holds answers back until the test has seen
/// that the member carried the request out.
/// </summary>
public sealed class RetryTests(OurMember member) : ClientSuite, IClassFixture<OurMember>
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(300);

    protected override string Url => member.Url;

    private static string Nobody => $"http://127.0.0.1:{FreePorts.Take()}";

    [Fact]
    public async Task Reads_and_writes_fail_over_within_the_call()
    {
        EtcdClient client = NewClient($"{Nobody},{Url},{Nobody}");

        for (int i = 0; i < 20; i++)
        {
            await client.Kv.PutAsync(Prefix + "k", $"{i}", cancellationToken: Token);
            Assert.Equal($"{i}", (await client.Kv.GetAsync(Prefix + "k", cancellationToken: Token))!.Value.ToString());
        }

        // Each once: a write that was sent to nobody is not a second write.
        Assert.Equal(20, (await client.Kv.GetAsync(Prefix + "k", cancellationToken: Token))!.Version);
    }

    [Fact]
    public async Task A_write_that_may_have_been_carried_out_is_not_repeated()
    {
        FaultProxy proxy = NewProxy();
        EtcdClient direct = NewClient();
        EtcdClient client = NewClient(proxy.Url);
        await client.Kv.GetAsync("connect", cancellationToken: Token);
        proxy.Hold(ProxyDirection.ToClient);

        Task<EtcdPutResult> put = client.Kv.PutAsync(Prefix + "k", "v", cancellationToken: Token).AsTask();
        await UntilAsync(async () => await direct.Kv.GetAsync(Prefix + "k", cancellationToken: Token) is not null);
        proxy.Reset();
        proxy.Release();

        var lost = await Assert.ThrowsAsync<EtcdUnavailableException>(() => put);
        Assert.Equal((StatusCode.Unavailable, true, true), (lost.Code, lost.IsTransient, lost.OutcomeUnknown));
        Assert.Equal(proxy.Url, lost.Endpoint);
        Assert.Equal(1, (await direct.Kv.GetAsync(Prefix + "k", cancellationToken: Token))!.Version);
    }

    [Fact]
    public async Task A_read_is_repeated_after_a_lost_connection()
    {
        FaultProxy proxy = NewProxy();
        EtcdClient client = NewClient(proxy.Url);
        await client.Kv.PutAsync(Prefix + "k", "v", cancellationToken: Token);
        proxy.Hold(ProxyDirection.ToClient);

        Task<EtcdKeyValue?> get = client.Kv.GetAsync(Prefix + "k", cancellationToken: Token).AsTask();
        Task<EtcdTxnResult> txn = client.Kv.CommitAsync(new EtcdTxn().Then(EtcdOp.Get(Prefix + "k")), cancellationToken: Token).AsTask();
        proxy.Reset();
        proxy.Release();

        Assert.Equal("v", (await get)!.Value.ToString());
        Assert.True((await txn).Succeeded);
    }

    [Fact]
    public async Task A_read_does_not_wait_for_a_silent_endpoint_where_there_is_another()
    {
        FaultProxy silent = NewProxy();
        EtcdClient client = NewClient($"{silent.Url},{Url}", options => options.Retry.AttemptTimeout = TimeSpan.FromMilliseconds(100));
        await client.Kv.PutAsync(Prefix + "k", "v", cancellationToken: Token);
        silent.Hold(ProxyDirection.Both);

        for (int i = 0; i < 4; i++)
        {
            Assert.NotNull(await client.Kv.GetAsync(Prefix + "k", cancellationToken: Token));
        }
    }

    [Fact]
    public async Task A_call_ends_with_its_timeout()
    {
        FaultProxy proxy = NewProxy();
        EtcdClient client = NewClient(proxy.Url);
        await client.Kv.GetAsync("connect", cancellationToken: Token);
        proxy.Hold(ProxyDirection.Both);

        var write = await Assert.ThrowsAsync<EtcdTimeoutException>(
            async () => await client.Kv.PutAsync(Prefix + "k", "v", new EtcdPutOptions { Timeout = Short }, Token));
        var read = await Assert.ThrowsAsync<EtcdTimeoutException>(
            async () => await client.Kv.GetAsync(Prefix + "k", new EtcdGetOptions { Timeout = Short }, Token));

        Assert.Equal((StatusCode.DeadlineExceeded, true), (write.Code, write.OutcomeUnknown));
        Assert.False(read.OutcomeUnknown);
    }

    [Fact]
    public async Task Where_nobody_is_there_the_call_says_so_after_its_last_attempt()
    {
        EtcdClient client = NewClient($"{Nobody},{Nobody}", options => options.Retry.MaxRetries = 5);

        var write = await Assert.ThrowsAsync<EtcdUnavailableException>(async () => await client.Kv.PutAsync("k", "v", cancellationToken: Token));

        Assert.True(write.IsTransient);
        Assert.False(write.OutcomeUnknown);
    }

    [Fact]
    public async Task Without_retries_there_is_one_attempt()
    {
        EtcdClient client = NewClient($"{Nobody},{Url}", options => options.Retry.MaxRetries = 0);
        int failures = 0;
        for (int i = 0; i < 2; i++)
        {
            try
            {
                await client.Kv.GetAsync("k", cancellationToken: Token);
            }
            catch (EtcdUnavailableException)
            {
                failures++;
            }
        }

        Assert.Equal(1, failures);
    }

    [Fact]
    public async Task A_cancelled_call_is_cancelled_and_not_failed()
    {
        FaultProxy proxy = NewProxy();
        EtcdClient client = NewClient(proxy.Url);
        await client.Kv.GetAsync("connect", cancellationToken: Token);
        proxy.Hold(ProxyDirection.Both);
        using var cancelled = new CancellationTokenSource();

        Task<EtcdPutResult> put = client.Kv.PutAsync(Prefix + "k", "v", cancellationToken: cancelled.Token).AsTask();
        await cancelled.CancelAsync();
        var failure = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => put);

        Assert.Equal(cancelled.Token, failure.CancellationToken);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await client.Kv.GetAsync("k", cancellationToken: cancelled.Token));
    }

    [Fact]
    public async Task Calls_and_watches_outlive_a_restart_of_the_member()
    {
        InProcessMember mortal = Keep(await InProcessMember.StartAsync());
        EtcdClient client = NewClient(mortal.Url);
        await using EtcdWatcher watcher = await client.Watch.StartAsync(EtcdRange.All, cancellationToken: Token);
        await using EtcdSession session = await client.Leases.CreateSessionAsync(TimeSpan.FromSeconds(60), Token);
        await client.Kv.PutAsync("a", "1", cancellationToken: Token);

        await mortal.StopAsync();
        Task<EtcdKeyValue?> get = client.Kv.GetAsync("a", cancellationToken: Token).AsTask();
        await mortal.StartAgainAsync();
        Assert.Equal("1", (await get)!.Value.ToString());
        await client.Kv.PutAsync("b", "2", cancellationToken: Token);

        await using IAsyncEnumerator<EtcdWatchBatch> batches = watcher.GetAsyncEnumerator(Token);
        Assert.Equal("a", (await NextAsync(batches)).Events.Single().Key.ToString());
        Assert.Equal("b", (await NextAsync(batches)).Events.Single().Key.ToString());
        Assert.False(session.IsLost);
    }

    [Fact]
    public async Task Endpoints_are_taken_from_the_members()
    {
        InProcessMember advertising = Keep(await InProcessMember.StartAsync());
        await advertising.StopAsync();
        await advertising.StartAgainAsync();
        FaultProxy proxy = Keep(FaultProxy.Start(advertising.Url));
        EtcdClient client = NewClient(proxy.Url);

        await client.Cluster.SyncEndpointsAsync(Token);
        await proxy.RefuseAsync();
        proxy.Reset();

        await client.Kv.PutAsync("k", "v", cancellationToken: Token);
    }

    /// <summary>Method: the only endpoint that was configured goes away, after the members were asked for theirs once.</summary>
    [Fact]
    public async Task Endpoints_are_taken_from_the_members_again_and_again_where_that_is_asked_for()
    {
        InProcessMember advertising = Keep(await InProcessMember.StartAsync());
        await advertising.StopAsync();
        await advertising.StartAgainAsync();
        FaultProxy proxy = Keep(FaultProxy.Start(advertising.Url));
        var log = new SyncLog();
        EtcdClientOptions options = EtcdClientOptions.Parse(proxy.Url);
        options.Timeout = Patience;
        options.EndpointSyncInterval = TimeSpan.FromSeconds(1);
        options.Retry.MaxRetries = 2;
        EtcdClient client = Keep(new EtcdClient(options, log));

        // What cannot be read leaves the endpoints as they are, and is tried again.
        await proxy.RefuseAsync();
        await UntilAsync(() => log.Failures > 0);
        proxy.Accept();
        await UntilAsync(() => log.Changes > 0);
        await proxy.RefuseAsync();
        proxy.Reset();

        await client.Kv.PutAsync("k", "v", cancellationToken: Token);
        Assert.Equal(0, proxy.Open);
        Assert.Equal(1, log.Changes);
    }

    /// <summary>A connection takes a few calls at a time, so calls of their own would need many connections.</summary>
    [Fact]
    public async Task All_watches_share_one_call_and_all_sessions_another()
    {
        InProcessMember few = Keep(await InProcessMember.StartAsync(configure: options => options with { MaxConcurrentStreams = 4 }));
        FaultProxy proxy = Keep(FaultProxy.Start(few.Url));
        EtcdClient client = NewClient(proxy.Url);

        for (int i = 0; i < 50; i++)
        {
            Keep(await client.Watch.StartAsync(EtcdRange.Single($"{i}"), cancellationToken: Token));
            Keep(await client.Leases.CreateSessionAsync(TimeSpan.FromSeconds(60), Token));
        }

        Assert.InRange(proxy.Accepted, 1, 2);
    }

    [Fact]
    public async Task A_unix_socket_is_an_endpoint()
    {
        using var folder = new TempFolder();
        string url = "unix://" + folder.File("etcd.sock");
        InProcessMember local = Keep(await InProcessMember.StartAsync(url));
        EtcdClient client = NewClient(local.Url);

        await client.Kv.PutAsync("k", "v", cancellationToken: Token);

        Assert.Equal("v", (await client.Kv.GetAsync("k", cancellationToken: Token))!.Value.ToString());
    }

    /// <summary>Counts what the client says of its endpoints, by the events' ids.</summary>
    private sealed class SyncLog : ILoggerFactory, ILogger
    {
        private const int EndpointsChanged = 3;
        private const int EndpointSyncFailed = 4;

        private int _changes;
        private int _failures;

        public int Changes => Volatile.Read(ref _changes);

        public int Failures => Volatile.Read(ref _failures);

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Id == EndpointsChanged)
            {
                Interlocked.Increment(ref _changes);
            }
            else if (eventId.Id == EndpointSyncFailed)
            {
                Interlocked.Increment(ref _failures);
            }
        }

        public void Dispose()
        {
        }
    }
}
