using System.Text.Json.Serialization;
using Etcd.Client.Hosting;
using Etcd.Protocol.Errors;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Etcd.Client.Tests;

/// <summary>The READMEs' code, word for word, so that it compiles. <see cref="ReadmeTests"/> compares them.</summary>
internal static partial class Examples
{
    public static async Task BeginAsync()
    {
        await using var client = new EtcdClient("http://localhost:2379");
        await client.Kv.PutAsync("greeting", "hello");
        await foreach (EtcdWatchBatch batch in client.Watch.GetThenWatchAsync(EtcdRange.Prefix("config/")))
            foreach (EtcdWatchEvent change in batch.Events)
                Console.WriteLine($"{batch.Revision}: {change.Type} {change.Key} = {change.Value}");
    }

    public static async Task ConnectAsync()
    {
        await using var client = new EtcdClient("http://localhost:2379");
        await client.Kv.PutAsync("greeting", "hello");
        EtcdKeyValue? greeting = await client.Kv.GetAsync("greeting");
        Console.WriteLine(greeting?.Value);
    }

    public static async Task ConfigureAsync(ILoggerFactory loggerFactory)
    {
        await using var byString = new EtcdClient("Endpoints=http://a:2379,http://b:2379;Username=app;Password=secret;Namespace=app/");
        var options = new EtcdClientOptions
        {
            Endpoints = { "https://a:2379", "https://b:2379" },
            Tls = new EtcdTlsOptions { CaFile = "ca.pem", CertFile = "client.pem", KeyFile = "client.key" },
            Timeout = TimeSpan.FromSeconds(5),
        };
        await using var byOptions = new EtcdClient(options, loggerFactory);
    }

    public static async Task KeysAsync(IEtcdClient client)
    {
        await client.Kv.PutAsync("config/color", "blue", new EtcdPutOptions { ReturnPrevious = true });
        await client.Kv.PutJsonAsync("config/window", new Window(800, 600), AppJson.Default.Window);
        Window? window = await client.Kv.GetJsonAsync("config/window", AppJson.Default.Window);

        // Any number of keys, in pages that are all read at one revision.
        await foreach (EtcdKeyValue item in client.Kv.ListAsync(EtcdRange.Prefix("config/")))
            Console.WriteLine($"{item.Key} = {item.Value} since revision {item.ModRevision}");
        Console.WriteLine(window);
    }

    public static async Task TransactAsync(IEtcdClient client)
    {
        EtcdOp<EtcdPutResult> take = EtcdOp.Put("jobs/7", "mine");
        EtcdOp<EtcdRangeResult> owner = EtcdOp.Get("jobs/7");
        EtcdTxnResult result = await client.Kv.CommitAsync(
            new EtcdTxn().If(EtcdCompare.NotExists("jobs/7")).Then(take).Else(owner));
        Console.WriteLine(result.Succeeded
            ? $"ours since revision {result.ResultOf(take).Revision}"
            : $"taken by {result.ResultOf(owner).Items[0].Value}");
    }

    public static async Task WatchAsync(IEtcdClient client, CancellationToken stopping)
    {
        await foreach (EtcdWatchBatch batch in client.Watch.WatchAsync(EtcdRange.Prefix("config/"), cancellationToken: stopping))
            foreach (EtcdWatchEvent change in batch.Events)
                Console.WriteLine($"revision {batch.Revision}: {change.Type} {change.Key}");
    }

    public static async Task CopyAsync(IEtcdClient client, CancellationToken stopping)
    {
        var known = new Dictionary<EtcdKey, EtcdValue>();
        await foreach (EtcdWatchBatch batch in client.Watch.GetThenWatchAsync(EtcdRange.Prefix("config/"), cancellationToken: stopping))
        {
            if (batch.StartsSnapshot)
                known.Clear();
            foreach (EtcdWatchEvent change in batch.Events)
            {
                if (change.Type == EtcdEventType.Put)
                    known[change.Key] = change.Value;
                else
                    known.Remove(change.Key);
            }
        }
    }

    public static async Task HoldAsync(IEtcdClient client, CancellationToken stopping)
    {
        await using EtcdSession session = await client.Leases.CreateSessionAsync(TimeSpan.FromSeconds(10), stopping);
        await client.Kv.PutAsync("workers/1", "here", new EtcdPutOptions { Lease = session.LeaseId }, stopping);
        await WorkAsync(session.LostToken);
    }

    public static async Task FailAsync(IEtcdClient client)
    {
        try
        {
            await client.Kv.PutAsync("greeting", "hello", new EtcdPutOptions { Timeout = TimeSpan.FromSeconds(2) });
        }
        catch (EtcdException e) when (e.ErrorId == EtcdErrorId.NoSpace)
        {
            Console.WriteLine("The quota is used up.");
        }
        catch (EtcdException e) when (e.OutcomeUnknown)
        {
            Console.WriteLine("The put may have been carried out: read before doing it again.");
        }
    }

    public static async Task SeparateAsync(IEtcdClient client)
    {
        IEtcdClient tenant = client.WithNamespace("tenants/7/");
        await tenant.Kv.PutAsync("color", "blue"); // tenants/7/color
    }

    public static async Task LockAsync(IEtcdClient client, EtcdSession session, CancellationToken stopping)
    {
        var mutex = new EtcdMutex(session, "locks/report");
        await using EtcdLock held = await mutex.LockAsync(stopping);
        await WorkAsync(held.LostToken);

        // What must not be written by two holders is guarded by the store.
        await client.Kv.CommitAsync(new EtcdTxn().If(held.StillHeld).Then(EtcdOp.Put("report", "done")), cancellationToken: stopping);
    }

    public static async Task LeadAsync(EtcdSession session, CancellationToken stopping)
    {
        var election = new EtcdElection(session, "elections/scheduler");
        await using EtcdLeadership leadership = await election.CampaignAsync("host-1", stopping);
        await leadership.ProclaimAsync("host-1, ready", stopping);
        await WorkAsync(leadership.LostToken);
    }

    public static async Task TransferAsync(IEtcdClient client)
    {
        await client.Kv.RunStmAsync(async stm =>
        {
            int from = Number(await stm.GetAsync("accounts/a"));
            int to = Number(await stm.GetAsync("accounts/b"));
            stm.Put("accounts/a", $"{from - 10}");
            stm.Put("accounts/b", $"{to + 10}");
        });
    }

    public static async Task QueueAsync(IEtcdClient client, CancellationToken stopping)
    {
        var jobs = new EtcdQueue(client, "jobs");
        await jobs.EnqueueAsync("resize picture 7", stopping);
        EtcdKeyValue job = await jobs.DequeueAsync(stopping);
        Console.WriteLine(job);
    }

    public static async Task CacheAsync(IEtcdClient client, CancellationToken stopping)
    {
        await using EtcdCache cache = await EtcdCache.StartAsync(client, EtcdRange.Prefix("config/"), stopping);
        EtcdKeyValue? color = cache.Get("config/color"); // no request
        EtcdCacheView latest = await cache.GetLatestAsync(stopping); // with all that was acknowledged before
        Console.WriteLine($"{color} of {latest.Count}");
    }

    public static async Task WatchCacheAsync(EtcdCache cache, CancellationToken stopping)
    {
        var changes = new EtcdCacheWatchOptions { StartRevision = cache.Current.Revision + 1 };
        await foreach (EtcdWatchBatch batch in cache.WatchAsync(EtcdRange.Prefix("config/web/"), changes, stopping))
            Console.WriteLine($"{batch.Revision}: {batch.Events.Count} changes");
    }

    public static async Task OrderAsync(IEtcdClient client)
    {
        IEtcdKv ordered = client.Kv.WithOrdering();
        EtcdKeyValue? color = await ordered.GetAsync("config/color", new EtcdGetOptions { Serializable = true });
        Console.WriteLine(color);
    }

    public static async Task ChangeAsync(IEtcdClient client)
    {
        EtcdKeyValue? pod = await client.Kv.GetAsync("pods/web");
        EtcdOptimisticResult put = await client.Kv.OptimisticPutAsync("pods/web", "running", pod?.ModRevision ?? 0);
        Console.WriteLine(put.Succeeded ? $"changed at revision {put.Revision}" : "somebody else was faster");
    }

    public static async Task ServeAsync(IEtcdClient client, EtcdSession session, CancellationToken stopping)
    {
        var orders = new EtcdEndpointManager(client, "services/orders");
        await orders.AddAsync("host-1", new EtcdServiceEndpoint("10.0.0.7:8080"), session.LeaseId, stopping);
        await foreach (EtcdEndpointSet now in orders.FollowAsync(stopping))
            Console.WriteLine(string.Join(", ", now.Endpoints.Values.Select(endpoint => endpoint.Address)));
    }

    public static void Discover(WebApplicationBuilder builder)
    {
        builder.Services.AddServiceDiscovery().AddEtcdServiceEndpointProvider();
        builder.Services.AddHttpClient("orders", http => http.BaseAddress = new Uri("http://orders")).AddServiceDiscovery();
    }

    public static void Register(IServiceCollection services)
    {
        services.AddEtcdClient("http://localhost:2379");
        services.AddKeyedEtcdClient("orders", options => options.Endpoints.Add("http://orders:2379"));
    }

    public static void Host(WebApplicationBuilder builder)
    {
        builder.AddEtcdClient("etcd");
        WebApplication app = builder.Build();
        app.MapGet("/color", async (IEtcdClient etcd) => (await etcd.Kv.GetAsync("config/color"))?.Value.ToString());
    }

    public static void Configure(WebApplicationBuilder builder)
    {
        builder.AddEtcdClient(
            "etcd",
            settings => settings.DisableHealthChecks = true,
            options => options.Timeout = TimeSpan.FromSeconds(3));
        builder.AddKeyedEtcdClient("orders");
        builder.AddKeyedEtcdClient("stock");
        builder.Services.AddEtcdLeaderElection("elections/scheduler").AddHostedService<Scheduler>();
    }

    private static int Number(EtcdValue? value) => int.Parse(value.ToString()!, System.Globalization.CultureInfo.InvariantCulture);

    private static Task WorkAsync(CancellationToken lost) => Task.Delay(Timeout.Infinite, lost);

    internal sealed class Reporter(IEtcdClient etcd) : ILeaderService
    {
        public async Task RunAsync(EtcdLeadership leadership, CancellationToken stoppingToken)
        {
            // Written only if no other has led since.
            await etcd.Kv.CommitAsync(
                new EtcdTxn().If(leadership.StillHeld).Then(EtcdOp.Put("report", "done")), cancellationToken: stoppingToken);
        }
    }

    internal sealed class Scheduler : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => WorkAsync(stoppingToken);
    }

    internal sealed record Window(int Width, int Height);

    [JsonSerializable(typeof(Window))]
    internal sealed partial class AppJson : JsonSerializerContext;
}
