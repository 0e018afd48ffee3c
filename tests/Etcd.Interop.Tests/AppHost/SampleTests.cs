using System.Net.Http.Json;
using System.Text.Json;
using Etcd.Client;
using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.AppHost;

/// <summary>Goal: the samples run beside the cluster that the AppHost starts, and do what the README says.</summary>
[Collection(ProcessCollection.Name)]
public sealed class SampleTests
{
    private const string Up = "settings is up at ";

    public SampleTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are sent with kill.");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_put_shows_at_once_in_the_page_of_the_settings_sample()
    {
        int port = TwoFreePorts();
        await using var run = AppHostRun.StartWithSamples(AppHostRun.NewCluster(), port, "--members", "1");
        string line = await run.LineAsync(l => l.StartsWith(Up, StringComparison.Ordinal));
        using var http = new HttpClient { BaseAddress = new Uri(line[Up.Length..].Split(": ")[0]) };

        Assert.Contains("EventSource('settings/changes')", await http.GetStringAsync("/", Cancel), StringComparison.Ordinal);
        Assert.Equal("steelblue", await ColorAsync(http));
        using var changes = new StreamReader(await http.GetStreamAsync("/settings/changes", Cancel));
        Assert.Equal("steelblue", await NextColorAsync(changes));

        await using var client = new EtcdClient($"http://localhost:{port}");
        await client.Kv.PutAsync("config/Page/Color", "darkorange", null, Cancel);

        Assert.Equal("darkorange", await NextColorAsync(changes));
        Assert.Equal("darkorange", await ColorAsync(http));

        await run.TypeAsync("stop settings");
        await run.LineAsync(l => l.StartsWith("settings is stopped", StringComparison.Ordinal));
        await run.SignalAsync("INT");
        Assert.Equal(0, await run.ExitCodeAsync());
    }

    [Fact]
    public async Task One_worker_leads_and_another_one_takes_over_when_it_stops()
    {
        int port = TwoFreePorts();
        await using var run = AppHostRun.StartWithSamples(AppHostRun.NewCluster(), port, "--members", "1");
        string first = Leader(await run.LineAsync(l => l.StartsWith("[worker-", StringComparison.Ordinal) && l.EndsWith(" leads", StringComparison.Ordinal)));
        await using var client = new EtcdClient($"http://localhost:{port}");
        await using EtcdWatcher counts = await client.Watch.StartAsync(EtcdRange.Single("samples/count"), new() { StartRevision = 1 }, Cancel);
        await using IAsyncEnumerator<EtcdWatchBatch> count = counts.GetAsyncEnumerator(Cancel);
        Assert.Equal(1, await NextCountAsync(count));

        await run.TypeAsync($"stop {first}");
        await run.LineAsync(l => l.StartsWith($"{first} is stopped", StringComparison.Ordinal));
        string second = Leader(await run.LineAsync(
            l => l.StartsWith("[worker-", StringComparison.Ordinal) && l.EndsWith(" leads", StringComparison.Ordinal) && Leader(l) != first));

        Assert.NotEqual(first, second);
        long last = 1;
        for (int i = 0; i < 3; i++)
        {
            long next = await NextCountAsync(count);
            Assert.Equal(last + 1, next);
            last = next;
        }
    }

    // "[worker-1] info: LeaderWorker.LeaderLog[1234] worker-0 leads"
    private static string Leader(string line) => line.Split(' ')[^2];

    private static async Task<long> NextCountAsync(IAsyncEnumerator<EtcdWatchBatch> counts)
    {
        Assert.True(await counts.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30), Cancel));
        return long.Parse(counts.Current.Events[^1].Value.ToString(), System.Globalization.CultureInfo.InvariantCulture);
    }

    private static int TwoFreePorts()
    {
        int port = FreePorts.Take();
        while (!FreePorts.IsFree(port + 1))
        {
            port = FreePorts.Take();
        }

        return port;
    }

    private static async Task<string?> ColorAsync(HttpClient http) =>
        (await http.GetFromJsonAsync<JsonElement>("/settings", Cancel)).GetProperty("color").GetString();

    private static async Task<string?> NextColorAsync(StreamReader changes)
    {
        const string Data = "data: ";
        while (await changes.ReadLineAsync(Cancel).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Cancel) is { } line)
        {
            if (line.StartsWith(Data, StringComparison.Ordinal))
            {
                using var settings = JsonDocument.Parse(line[Data.Length..]);
                return settings.RootElement.GetProperty("color").GetString();
            }
        }

        return null;
    }
}
