using System.Collections.Concurrent;
using Etcd.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Etcd.Configuration.Tests.Suites;

/// <summary>Goal: what changes in etcd changes in the application, one revision at a time, and nothing else does.</summary>
public abstract class ReloadSuite : ConfigurationSuite
{
    [Fact]
    public async Task Puts_and_deletes_show_and_are_told()
    {
        await PutAsync("Color", "blue");
        IConfigurationRoot root = Follow();
        ConcurrentQueue<string?> seen = Record(root, () => root["Color"]);

        await PutAsync("Color", "red");
        await UntilAsync(() => root["Color"] == "red");
        await PutAsync("Size", "1");
        await UntilAsync(() => root["Size"] == "1");
        await Client.Kv.DeleteAsync(Prefix + "Color", Token);
        await UntilAsync(() => root["Color"] is null);

        await UntilAsync(() => seen.Count == 3);
        Assert.Equal(["red", "red", null], seen);
    }

    [Fact]
    public async Task Nothing_is_missed_between_the_load_and_the_watch()
    {
        await PutAsync("n", "0");
        IConfigurationRoot root = Follow();
        long revision = ProviderOf(root).Status.Revision;

        await PutAsync("n", "1");

        await UntilAsync(() => root["n"] == "1");
        Assert.True(ProviderOf(root).Status.Revision > revision);
    }

    [Fact]
    public async Task A_transaction_is_one_reload()
    {
        (string, string)[] Ten(string value) => [.. Enumerable.Range(0, 10).Select(i => ($"k{i}", value))];
        await PutTogetherAsync(Ten("0"));
        IConfigurationRoot root = Follow();
        ConcurrentQueue<string> seen = Record(root, () => string.Join(",", Enumerable.Range(0, 10).Select(i => root[$"k{i}"])));

        await PutTogetherAsync(Ten("1"));
        await PutTogetherAsync(Ten("2"));

        await UntilAsync(() => root["k9"] == "2");
        await UntilAsync(() => seen.Count == 2);
        Assert.Equal(["1,1,1,1,1,1,1,1,1,1", "2,2,2,2,2,2,2,2,2,2"], seen);
    }

    [Fact]
    public async Task What_changes_no_setting_is_not_told()
    {
        await PutAsync("Color", "blue");
        IConfigurationRoot root = Follow();
        ConcurrentQueue<string?> seen = Record(root, () => root["Color"]);

        await PutAsync("Color", "blue");
        await PutAsync("Color", "red");

        await UntilAsync(() => !seen.IsEmpty);
        Assert.Equal(["red"], seen);
    }

    [Fact]
    public async Task Without_reload_on_change_settings_stay_until_they_are_read_again()
    {
        await PutAsync("Color", "blue");
        IConfigurationRoot root = Build(source => source.AddPrefix(Prefix));
        await PutAsync("Color", "red");

        Assert.Equal("blue", root["Color"]);
        Assert.True(await ProviderOf(root).ReloadAsync(Token));
        Assert.Equal("red", root["Color"]);

        await PutAsync("Color", "white");
        root.Reload();
        Assert.Equal("white", root["Color"]);
    }

    [Fact]
    public async Task Options_monitors_have_the_new_values()
    {
        await PutAsync("Paint/Color", "blue");
        IConfigurationRoot root = Follow();
        await using ServiceProvider services = new ServiceCollection().Configure<Paint>(root.GetSection("Paint")).BuildServiceProvider();
        var monitor = services.GetRequiredService<IOptionsMonitor<Paint>>();
        Assert.Equal("blue", monitor.CurrentValue.Color);

        await PutAsync("Paint/Color", "red");

        await UntilAsync(() => monitor.CurrentValue.Color == "red");
    }

    [Fact]
    public async Task A_listener_that_fails_or_reads_again_does_not_stop_the_next_change()
    {
        await PutAsync("n", "0");
        var log = new LogLines();
        IConfigurationRoot root = Follow(source => source.LoggerFactory = log);
        using IDisposable failing = root.GetReloadToken().RegisterChangeCallback(_ => throw new InvalidTimeZoneException("mine"), null);
        Record(root, () =>
        {
            ProviderOf(root).Load();
            return ProviderOf(root).ReloadAsync(Token).IsCompleted;
        });

        await PutAsync("n", "1");
        await UntilAsync(() => root["n"] == "1");
        await PutAsync("n", "2");
        await UntilAsync(() => root["n"] == "2");

        Assert.Contains(log.All, line => line.Contains("mine", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Who_is_told_of_a_failure_or_names_settings_may_ask_for_a_load()
    {
        await PutAsync("a", "1");
        EtcdConfigurationProvider? own = null;
        bool isFailing = false;
        int told = 0;
        IConfigurationRoot root = Build(source =>
        {
            source.AddPrefix(Prefix, EtcdValueFormat.Json);
            source.OnLoadException = context =>
            {
                context.Provider.Load();
                told++;
            };
            source.MapName = name =>
            {
                own?.Load();
                return name;
            };
        });
        own = ProviderOf(root);
        Assert.True(await InTimeAsync(own.ReloadAsync(Token)));

        await PutAsync("a", "{");
        isFailing = !await InTimeAsync(own.ReloadAsync(Token));

        Assert.Equal((true, 1, "1"), (isFailing, told, root["a"]));

        static Task<bool> InTimeAsync(Task<bool> load) => load.WaitAsync(Patience, Token);
    }

    [Fact]
    public async Task A_bad_value_keeps_what_was_good_until_it_is_mended()
    {
        await PutTogetherAsync(("a", "1"), ("b", "1"));
        var told = new ConcurrentQueue<EtcdLoadExceptionContext>();
        IConfigurationRoot root = Build(source =>
        {
            source.AddPrefix(Prefix, EtcdValueFormat.Json);
            source.ReloadOnChange = true;
            source.OnLoadException = told.Enqueue;
        });
        ConcurrentQueue<string?> seen = Record(root, () => root["a"]);

        await PutTogetherAsync(("a", "2"), ("b", "{ not json"));
        await UntilAsync(() => !told.IsEmpty);
        Assert.Equal(("1", "1"), (root["a"], root["b"]));
        Assert.True(told.TryPeek(out EtcdLoadExceptionContext? context));
        Assert.True(context.IsReload);
        Assert.Equal(Prefix + "b", Assert.IsType<EtcdConfigurationException>(context.Exception).Key);
        Assert.Same(context.Exception, ProviderOf(root).Status.Problem);
        Assert.False(await ProviderOf(root).ReloadAsync(Token));

        await PutAsync("b", "3");
        await UntilAsync(() => root["b"] == "3");
        Assert.Equal("2", root["a"]);
        Assert.Null(ProviderOf(root).Status.Problem);
        Assert.Equal(["2"], seen);
    }

    /// <summary>
    /// Method: a writer changes ten keys in each transaction, five of them in another prefix; readers of all kinds check that the ten are the
    /// same. Prefixes that lie apart have watches of their own, those in one folder share one.
    /// </summary>
    [Theory]
    [InlineData("one/", "two/")]
    [InlineData("", "two/")]
    public async Task No_mixture_of_two_revisions_is_ever_seen(string first, string second)
    {
        const int Transactions = 300;
        string[] keys = [.. Enumerable.Range(0, 10).Select(i => $"{(i % 2 == 0 ? first : second)}k{i}")];
        Task Write(int n) => PutTogetherAsync([.. keys.Select(key => (key, $"{n}"))]);
        await Write(0);
        IConfigurationRoot root = Build(source =>
        {
            source.AddPrefix(Prefix + first).AddPrefix(Prefix + second);
            source.ReloadOnChange = true;
        });
        string[] Values(IConfiguration c) => [.. Enumerable.Range(0, 10).Select(i => c[$"k{i}"]!)];
        var mixtures = new ConcurrentQueue<string>();
        void Check(string[] values)
        {
            if (values.Distinct().Count() != 1)
            {
                mixtures.Enqueue(string.Join(",", values));
            }
        }

        ConcurrentQueue<int> told = Record(root, () =>
        {
            string[] values = Values(root);
            Check(values);
            return int.Parse(values[0], System.Globalization.CultureInfo.InvariantCulture);
        });
        await using ServiceProvider services = new ServiceCollection().Configure<Ten>(root).BuildServiceProvider();
        var monitor = services.GetRequiredService<IOptionsMonitor<Ten>>();
        Check(monitor.CurrentValue.All);
        long reads = 0;
        using var writing = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task reader = Task.Run(
            () =>
            {
                while (!writing.IsCancellationRequested)
                {
                    Check(monitor.CurrentValue.All);
                    Check(root.ReadAtOneRevision(Values));
                    reads++;
                }
            },
            Token);

        for (int n = 1; n <= Transactions; n++)
        {
            await Write(n);
        }

        await UntilAsync(() => root["k9"] == $"{Transactions}");
        await writing.CancelAsync();
        await reader;
        Assert.Empty(mixtures);
        Assert.True(reads > 0);
        Assert.Equal(told.Order().Distinct(), told);
        if (first.Length == 0)
        {
            // One watch: each revision is one reload.
            Assert.Equal(Enumerable.Range(1, Transactions), told);
        }
    }

    [Fact]
    public async Task After_the_disposal_nothing_changes_and_nobody_is_told()
    {
        await PutAsync("Color", "blue");
        IConfigurationRoot root = Follow();
        ConcurrentQueue<string?> seen = Record(root, () => root["Color"]);
        EtcdConfigurationProvider provider = ProviderOf(root);

        await provider.DisposeAsync();
        await PutAsync("Color", "red");

        Assert.Equal("blue", root["Color"]);
        Assert.Empty(seen);
        Assert.Throws<ObjectDisposedException>(provider.Load);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => provider.ReloadAsync(Token));
    }

    private sealed class Paint
    {
        public string? Color { get; set; }
    }

    private sealed class Ten
    {
        public string? K0 { get; set; }

        public string? K1 { get; set; }

        public string? K2 { get; set; }

        public string? K3 { get; set; }

        public string? K4 { get; set; }

        public string? K5 { get; set; }

        public string? K6 { get; set; }

        public string? K7 { get; set; }

        public string? K8 { get; set; }

        public string? K9 { get; set; }

        public string[] All => [K0!, K1!, K2!, K3!, K4!, K5!, K6!, K7!, K8!, K9!];
    }
}
