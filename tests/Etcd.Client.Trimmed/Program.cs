using System.Text.Json.Serialization;
using Etcd.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

// A program that is published trimmed: it uses each part of the client once, at the server that its argument names, and says what it found.
HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
builder.Configuration.AddInMemoryCollection([
    KeyValuePair.Create<string, string?>("Aspire:Etcd:Client:Endpoints:0", args[0]),
    KeyValuePair.Create<string, string?>("Aspire:Etcd:Client:HealthCheckTimeout", "00:00:30"),
]);
builder.AddEtcdClient("etcd");
builder.Services.AddEtcdLeaderElection("trimmed/election").AddHostedService<Worker>();
using IHost host = builder.Build();
await host.StartAsync();
await Worker.Started.Task.WaitAsync(TimeSpan.FromSeconds(30));

IEtcdClient client = host.Services.GetRequiredService<IEtcdClient>();
await using (EtcdSession session = await client.Leases.CreateSessionAsync(TimeSpan.FromSeconds(30)))
await using (EtcdLock held = await new EtcdMutex(session, "trimmed/lock").LockAsync())
await using (EtcdWatcher watcher = await client.Watch.StartAsync(EtcdRange.Single("trimmed/point")))
{
    await client.Kv.PutJsonAsync("trimmed/point", new Point(3, 4), Json.Default.Point);
    await client.Kv.RunStmAsync(async stm => stm.Put("trimmed/sum", (await stm.GetAsync("trimmed/point"))!.Value));
    await foreach (EtcdWatchBatch batch in watcher)
    {
        Console.WriteLine($"{batch.Events[0].Value.ReadJson(Json.Default.Point)} {held.IsLost}");
        break;
    }
}

await using (EtcdCache cache = await EtcdCache.StartAsync(client, EtcdRange.Single("trimmed/sum")))
{
    Console.WriteLine(cache.Get("trimmed/sum")?.Value);
}

HealthReport health = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
Console.WriteLine(health.Status);
await host.StopAsync();

internal sealed record Point(int X, int Y);

[JsonSerializable(typeof(Point))]
internal sealed partial class Json : JsonSerializerContext;

internal sealed class Worker : BackgroundService
{
    public static TaskCompletionSource Started { get; } = new();

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Started.TrySetResult();
        return Task.Delay(Timeout.Infinite, stoppingToken);
    }
}
