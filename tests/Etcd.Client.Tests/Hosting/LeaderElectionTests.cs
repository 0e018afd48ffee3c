using System.Collections.Concurrent;
using Etcd.Client.Hosting;
using Etcd.Client.Tests.Suites;
using Etcd.TestKit;
using Etcd.TestKit.Network;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Etcd.Client.Tests.Hosting;

/// <summary>
/// Goal: services run on the leader only, and have stopped before another can lead. Method: hosts with a clock that the test moves; the
/// services write down what happens to them.
/// </summary>
public sealed class LeaderElectionTests(OurMember member) : ClientSuite, IClassFixture<OurMember>
{
    private readonly FakeTimeProvider _time = new();
    private readonly Journal _journal = new();

    protected override string Url => member.Url;

    private string Election => Prefix + "election";

    [Fact]
    public async Task Services_run_on_the_leader_and_on_the_next_when_it_stops()
    {
        IHost first = await StartAsync("a");
        await UntilAsync(() => _journal.Running.SequenceEqual(["a"]));
        IHost second = await StartAsync("b");
        await UntilCandidatesAsync(2);
        IEtcdLeaderElection one = first.Services.GetRequiredService<IEtcdLeaderElection>();
        IEtcdLeaderElection two = second.Services.GetRequiredKeyedService<IEtcdLeaderElection>(Election);

        await UntilAsync(() => one.IsLeader);
        Assert.False(two.IsLeader);
        Assert.Equal("a", (await two.GetLeaderAsync(Token))!.Value.ToString());
        long fence = one.Leadership!.FencingRevision;
        await first.StopAsync(Token);
        await UntilAsync(() => two.IsLeader);
        await second.StopAsync(Token);

        Assert.Equal(["+a", "-a", "+b", "-b"], _journal.Entries);
        Assert.False(one.IsLeader);
        Assert.Null(await EtcdElection.GetLeaderAsync(NewClient(), Election, Token));
        Assert.True(_journal.Fences[1] > fence);
    }

    /// <summary>Nothing is revoked, and nobody else is asked: the own clock must do.</summary>
    [Fact]
    public async Task A_leader_that_cannot_renew_stops_its_services_before_the_leadership_can_be_lost()
    {
        FaultProxy proxy = NewProxy();
        IHost host = await StartAsync("a", proxy.Url);
        IEtcdLeaderElection election = host.Services.GetRequiredService<IEtcdLeaderElection>();
        await UntilAsync(() => election.IsLeader && _journal.Running.SequenceEqual(["a"]));
        EtcdLeadership leadership = election.Leadership!;
        await proxy.RefuseAsync();
        proxy.Reset();

        // 15 seconds, of which one is left for clocks that run apart, and 5 for the stop.
        await AdvanceUntilAsync(() => leadership.Remaining <= TimeSpan.FromSeconds(5.5));
        Assert.Equal(["+a"], _journal.Entries);
        await AdvanceUntilAsync(() => leadership.Remaining <= TimeSpan.FromSeconds(4.5));
        await UntilAsync(() => _journal.Entries.SequenceEqual(["+a", "-a"]));

        Assert.False(leadership.IsLost);
        Assert.False(leadership.LostToken.IsCancellationRequested);
        Assert.False(election.IsLeader);
        proxy.Accept();
        await AdvanceUntilAsync(() => election.IsLeader && _journal.Running.SequenceEqual(["a"]));
        Assert.Equal(["+a", "-a", "+a"], _journal.Entries);
        Assert.True(election.Leadership!.FencingRevision > leadership.FencingRevision);
    }

    [Fact]
    public async Task An_instance_whose_service_fails_lets_another_lead()
    {
        _journal.Fails = "a";
        IHost first = await StartAsync("a");
        await UntilAsync(() => _journal.Running.SequenceEqual(["a"]));
        IHost second = await StartAsync("b");
        await UntilCandidatesAsync(2);

        _journal.FailNow.SetResult();
        await UntilAsync(() => second.Services.GetRequiredService<IEtcdLeaderElection>().IsLeader);
        // The service writes when it has asked who leads, a moment after the leadership was won.
        await UntilAsync(() => _journal.Entries.Count >= 3);

        Assert.Equal(["+a", "-a", "+b"], _journal.Entries);
        await first.StopAsync(Token);
        await second.StopAsync(Token);
    }

    /// <summary>The leadership is kept for as long as the service takes; nobody else leads meanwhile.</summary>
    [Fact]
    public async Task A_service_that_takes_long_to_stop_is_waited_for()
    {
        _journal.Lingers = "a";
        IHost first = await StartAsync("a");
        await UntilAsync(() => _journal.Running.SequenceEqual(["a"]));
        IHost second = await StartAsync("b");
        await UntilCandidatesAsync(2);

        Task stopping = first.StopAsync(Token);
        await _journal.Lingering.Task.WaitAsync(Patience, Token);
        Assert.False(second.Services.GetRequiredService<IEtcdLeaderElection>().IsLeader);
        _journal.LingerNoMore.SetResult();
        await stopping;

        await UntilAsync(() => _journal.Entries.SequenceEqual(["+a", "-a", "+b"]));
        await second.StopAsync(Token);
    }

    [Fact]
    public async Task Wrong_options_of_an_election_fail_the_start()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddEtcdClient(Url);
        builder.Services.AddEtcdLeaderElection("e", options => options.StopTimeout = options.TimeToLive);
        using IHost host = builder.Build();

        await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(() => host.StartAsync(Token));
    }

    private async Task<IHost> StartAsync(string candidate, string? url = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddLogging();
        builder.Services.AddSingleton<TimeProvider>(_time);
        builder.Services.AddSingleton(_journal);
        builder.Services.AddEtcdClient(options =>
        {
            options.ApplyConnectionString(url ?? Url);
            options.TimeProvider = _time;
        });
        builder.Services
            .AddEtcdLeaderElection(Election, options =>
            {
                options.Candidate = candidate;
                options.RetryDelay = TimeSpan.FromMinutes(1);
            })
            .AddHostedService<Worker>()
            .AddLeaderService<Fencer>();
        IHost host = Keep(new Disposable(builder.Build())).Host;
        await host.StartAsync(Token);
        return host;
    }

    private Task UntilCandidatesAsync(int count)
    {
        EtcdClient client = NewClient();
        return UntilAsync(async () => await client.Kv.CountAsync(EtcdRange.Prefix(Election + "/"), cancellationToken: Token) == count);
    }

    // A step for each look: what another thread has set for a moment ago happens with the next step.
    private Task AdvanceUntilAsync(Func<bool> condition) => UntilAsync(() =>
    {
        if (condition())
        {
            return true;
        }

        _time.Advance(TimeSpan.FromMilliseconds(100));
        return condition();
    });

    /// <summary>What happened to services, in order.</summary>
    private sealed class Journal
    {
        private readonly ConcurrentQueue<string> _entries = [];

        public IReadOnlyList<string> Entries => [.. _entries];

        public IEnumerable<string> Running => Entries.GroupBy(entry => entry[1..]).Where(g => g.Count() % 2 == 1).Select(g => g.Key);

        public ConcurrentBag<long> AllFences { get; } = [];

        public IReadOnlyList<long> Fences => [.. AllFences.Order()];

        public string? Fails { get; set; }

        public string? Lingers { get; set; }

        public TaskCompletionSource FailNow { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Lingering { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource LingerNoMore { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Write(string entry) => _entries.Enqueue(entry);
    }

    /// <summary>A service as anybody would write it.</summary>
    private sealed class Worker(Journal journal, IEtcdLeaderElection election) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            string name = (await election.GetLeaderAsync(CancellationToken.None))!.Value.ToString();
            journal.Write("+" + name);
            try
            {
                if (journal.Fails == name)
                {
                    await journal.FailNow.Task.WaitAsync(stoppingToken);
                    throw new InvalidOperationException("as the test wants it");
                }

                await Task.Delay(Timeout.InfiniteTimeSpan, stoppingToken);
            }
            finally
            {
                if (journal.Lingers == name)
                {
                    journal.Lingering.SetResult();
                    await journal.LingerNoMore.Task;
                }

                journal.Write("-" + name);
            }
        }
    }

    private sealed class Fencer(Journal journal) : ILeaderService
    {
        public async Task RunAsync(EtcdLeadership leadership, CancellationToken stoppingToken)
        {
            journal.AllFences.Add(leadership.FencingRevision);
            await Task.Delay(Timeout.InfiniteTimeSpan, stoppingToken);
        }
    }

    private sealed class Disposable(IHost host) : IAsyncDisposable
    {
        public IHost Host => host;

        public async ValueTask DisposeAsync() => await ((IAsyncDisposable)host).DisposeAsync();
    }
}
