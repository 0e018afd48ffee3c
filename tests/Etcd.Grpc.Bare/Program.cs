using Etcd.Grpc.Bare;
using Etcd.Server.Hosting.Listeners;
using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

// Arguments: URL [hop] [plain-transport] [inline] [queues=N] [wait=false]
var url = args.Length > 0 ? args[0] : "http://127.0.0.1:2379";
var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.Services.AddEtcdListeners();
builder.Services.AddGrpc(options => options.MaxReceiveMessageSize = null);
builder.Services.AddSingleton(new BareKv(args.Contains("hop")));
builder.Services.AddSingleton<IServiceMethodProvider<BareKv>, BareKv.Methods>();
builder.Services.Configure<SocketTransportOptions>(sockets =>
{
    KestrelDefaults.Apply(sockets);
    if (args.Contains("inline"))
    {
        sockets.UnsafePreferInlineScheduling = true;
    }

    if (args.FirstOrDefault(a => a.StartsWith("queues=", StringComparison.Ordinal)) is { } queues)
    {
        sockets.IOQueueCount = int.Parse(queues.AsSpan(7), System.Globalization.CultureInfo.InvariantCulture);
    }

    if (args.Contains("wait=false"))
    {
        sockets.WaitForDataBeforeAllocatingBuffer = false;
    }
});
builder.WebHost.ConfigureKestrel(kestrel =>
{
    KestrelDefaults.Apply(kestrel);
    kestrel.ListenEtcd([EtcdEndpoint.Parse(url)]);
});
var app = builder.Build();
app.MapGrpcService<BareKv>();
await app.StartAsync();
Console.WriteLine($"pid {Environment.ProcessId} listens on {string.Join(' ', app.Services.GetRequiredService<IBoundEndpoints>().Endpoints)}");
await ((IHost)app).WaitForShutdownAsync();
Console.WriteLine($"allocated {GC.GetTotalAllocatedBytes()} bytes for {BareKv.Calls} calls, {GC.CollectionCount(0)} collections");
