using System.Collections.Concurrent;
using Etcd.Client;
using Etcd.TestKit;
using Etcd.TestKit.Network;
using Etcd.TestKit.Processes;
using Microsoft.Extensions.Configuration;

namespace Etcd.Configuration.Tests.Suites;

/// <summary>Goal: whatever fails, what was good stays, and what is newer comes as soon as it can be had.</summary>
public abstract class FaultSuite : ConfigurationSuite
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(300);

    [Fact]
    public void Without_etcd_a_required_source_fails_in_time_and_says_why()
    {
        var told = new List<EtcdLoadExceptionContext>();

        var e = Assert.Throws<EtcdConfigurationException>(() => Follow(
            source =>
            {
                source.LoadTimeout = Short;
                source.OnLoadException = told.Add;
            },
            Nowhere()));

        Assert.IsAssignableFrom<EtcdException>(e.InnerException);
        EtcdLoadExceptionContext context = Assert.Single(told);
        Assert.Same(e.InnerException, context.Exception);
        Assert.Equal((false, false), (context.IsReload, context.Ignore));
    }

    [Fact]
    public async Task Without_etcd_an_optional_source_is_empty_and_fills_as_soon_as_etcd_is_there()
    {
        await PutAsync("Color", "blue");
        await using FaultProxy proxy = NewProxy();
        await proxy.RefuseAsync();

        IConfigurationRoot root = Follow(
            source =>
            {
                source.Optional = true;
                source.LoadTimeout = Short;
                source.OnWatchException = _ => TimeSpan.FromMilliseconds(20);
            },
            proxy.Url);
        Assert.Empty(root.AsEnumerable());
        Assert.Equal(EtcdConfigurationOrigin.None, ProviderOf(root).Status.Origin);
        ConcurrentQueue<string?> seen = Record(root, () => root["Color"]);

        proxy.Accept();

        await UntilAsync(() => root["Color"] == "blue");
        await UntilAsync(() => !seen.IsEmpty);
        Assert.Equal(EtcdConfigurationOrigin.Etcd, ProviderOf(root).Status.Origin);
    }

    [Fact]
    public void A_failed_load_can_be_let_pass_by_the_application()
    {
        IConfigurationRoot root = Build(
            source =>
            {
                source.AddPrefix(Prefix);
                source.LoadTimeout = Short;
                source.OnLoadException = context => context.Ignore = true;
            },
            Nowhere());

        Assert.Empty(root.AsEnumerable());
        Assert.NotNull(ProviderOf(root).Status.Problem);
    }

    [Fact]
    public void Without_a_key_a_required_source_fails_and_an_optional_one_is_empty()
    {
        var e = Assert.Throws<EtcdConfigurationException>(() => Build(source => source.AddPrefix(Prefix)));
        Assert.Contains($"'{Prefix}' (Required)", e.Message, StringComparison.Ordinal);

        IConfigurationRoot root = Build(source =>
        {
            source.AddPrefix(Prefix);
            source.Optional = true;
        });
        Assert.Empty(root.AsEnumerable());
        Assert.Null(ProviderOf(root).Status.Problem);
    }

    [Fact]
    public async Task An_optional_source_does_not_hide_a_bad_value()
    {
        await PutAsync("a", "{");

        Assert.Throws<EtcdConfigurationException>(() => Build(source =>
        {
            source.AddPrefix(Prefix, EtcdValueFormat.Json);
            source.Optional = true;
        }));
    }

    [Fact]
    public async Task An_outage_leaves_the_settings_and_what_changed_meanwhile_comes_after_it()
    {
        await PutTogetherAsync(("a", "1"), ("b", "1"));
        await using FaultProxy proxy = NewProxy();
        IConfigurationRoot root = Follow(url: proxy.Url);
        ConcurrentQueue<string> seen = Record(root, () => $"{root["a"]}{root["b"]}");

        await proxy.RefuseAsync();
        proxy.Reset();
        await PutTogetherAsync(("a", "2"), ("b", "2"));
        await PutTogetherAsync(("a", "3"), ("b", "3"));
        Assert.Equal("11", $"{root["a"]}{root["b"]}");
        proxy.Accept();

        await UntilAsync(() => root["b"] == "3");
        await UntilAsync(() => seen.Count == 2);
        Assert.Equal(["22", "33"], seen);
    }

    [Fact]
    public async Task A_compaction_while_nobody_listens_leads_to_the_new_settings_and_never_to_none()
    {
        await PutTogetherAsync(("a", "1"), ("b", "1"), ("gone", "1"));
        await using FaultProxy proxy = NewProxy();
        IConfigurationRoot root = Follow(url: proxy.Url);
        ConcurrentQueue<string> seen = Record(root, () => $"{root["a"]}{root["b"]}{root["gone"]}");

        await proxy.RefuseAsync();
        proxy.Reset();
        await PutTogetherAsync(("a", "2"), ("b", "2"));
        await Client.Kv.DeleteAsync(Prefix + "gone", Token);
        long revision = await PutAsync("a", "3");
        await Client.Kv.CompactAsync(revision, null, Token);
        Assert.Equal("111", $"{root["a"]}{root["b"]}{root["gone"]}");
        proxy.Accept();

        await UntilAsync(() => root["a"] == "3");
        await UntilAsync(() => !seen.IsEmpty);
        Assert.Equal(["32"], seen);

        await PutAsync("b", "4");
        await UntilAsync(() => root["b"] == "4");
    }

    [Fact]
    public async Task A_failed_reload_leaves_the_settings()
    {
        await PutAsync("a", "1");
        await using FaultProxy proxy = NewProxy();
        var told = new ConcurrentQueue<EtcdLoadExceptionContext>();
        IConfigurationRoot root = Build(
            source =>
            {
                source.AddPrefix(Prefix);
                source.LoadTimeout = Short;
                source.OnLoadException = told.Enqueue;
            },
            proxy.Url);
        await proxy.RefuseAsync();
        proxy.Reset();

        Assert.False(await ProviderOf(root).ReloadAsync(Token));
        root.Reload();

        Assert.Equal("1", root["a"]);
        Assert.Equal(2, told.Count);
        Assert.All(told, context => Assert.True(context is { IsReload: true, Ignore: true }));
    }

    /// <summary>Method: the connection is there and says nothing. The silence must be noticed, told, and got over.</summary>
    [Fact]
    public async Task A_silent_connection_is_given_up_and_the_watch_goes_on()
    {
        await PutAsync("a", "1");
        await using FaultProxy proxy = NewProxy();
        var told = new ConcurrentQueue<EtcdWatchExceptionContext>();
        IConfigurationRoot root = Follow(
            source =>
            {
                source.StaleAfter = TimeSpan.FromMilliseconds(500);
                source.OnWatchException = context =>
                {
                    told.Enqueue(context);
                    return TimeSpan.FromMilliseconds(20);
                };
            },
            proxy.Url);
        await PutAsync("a", "2");
        await UntilAsync(() => root["a"] == "2");

        proxy.Hold(ProxyDirection.ToClient);
        await UntilAsync(() => told.Any(context => context.Exception is TimeoutException));
        Assert.Equal("2", root["a"]);
        await PutAsync("a", "3");
        proxy.Release();

        await UntilAsync(() => root["a"] == "3");
    }

    /// <summary>
    /// Method: the clock stands still but for steps of a quarter of the limit, each of which makes one question. Without any write the watch,
    /// which begins in the future, gives no sign of life of its own; with writes elsewhere it does.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_quiet_watch_is_confirmed_and_not_given_up(bool withWritesElsewhere)
    {
        await PutAsync("a", "1");
        var told = new ConcurrentQueue<EtcdWatchExceptionContext>();
        var clock = new SteppedClock();
        TimeSpan staleAfter = TimeSpan.FromMinutes(1);
        IConfigurationRoot root = Follow(source =>
        {
            source.StaleAfter = staleAfter;
            source.LoadTimeout = Timeout.InfiniteTimeSpan;
            source.TimeProvider = clock;
            source.OnWatchException = context =>
            {
                told.Enqueue(context);
                return TimeSpan.Zero;
            };
        });
        EtcdConfigurationProvider provider = ProviderOf(root);
        await UntilAsync(() => clock.Timers != 0);

        for (int i = 0; i < 10; i++)
        {
            long elsewhere = withWritesElsewhere ? (await Client.Kv.PutAsync($"elsewhere/{Guid.NewGuid():N}", "x", null, Token)).Revision : 0;
            clock.Advance(staleAfter / 4);
            int looks = 0;
            await UntilAsync(() =>
            {
                if (provider.Status is { Age.Ticks: 0 } status && status.Revision >= elsewhere)
                    return true;
                // etcd does not answer a question for the progress of a watch that has not caught up: the next one gets its answer.
                if (++looks % 100 == 0)
                    clock.Advance(staleAfter / 4);
                return false;
            });
        }

        Assert.Equal("1", root["a"]);
        Assert.Empty(told);
    }

    private static string Nowhere() => $"http://127.0.0.1:{FreePorts.Take()}";

    /// <summary>A clock that a test moves, and that tells whether somebody has asked it for a timer.</summary>
    private sealed class SteppedClock : TimeProvider
    {
        private readonly FakeTimeProvider _clock = new();
        private int _timers;

        public int Timers => Volatile.Read(ref _timers);

        public override long TimestampFrequency => _clock.TimestampFrequency;

        public override long GetTimestamp() => _clock.GetTimestamp();

        public override DateTimeOffset GetUtcNow() => _clock.GetUtcNow();

        public void Advance(TimeSpan by) => _clock.Advance(by);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            ITimer timer = _clock.CreateTimer(callback, state, dueTime, period);
            Interlocked.Increment(ref _timers);
            return timer;
        }
    }
}
