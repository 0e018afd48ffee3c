using Etcd.AppHost.Tests.Telemetry;
using Etcd.Client;
using Etcd.TestKit.Processes;

namespace Etcd.Interop.Tests.Program;

/// <summary>Goal: what a member does can be seen wherever OpenTelemetry's environment variables say; its own /health stays etcd's.</summary>
public sealed class TelemetryTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Spans_figures_and_logs_reach_the_receiver_with_the_members_name()
    {
        await using OtlpReceiver receiver = await OtlpReceiver.StartAsync();
        await using ServerProcess server = ServerProcess.Create(ServerProgram.Ours);
        server.Environment = new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = receiver.Address,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_SERVICE_NAME"] = "member-7",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "50",
            ["OTEL_BLRP_SCHEDULE_DELAY"] = "50",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "50",
        };
        await server.StartAsync(Cancel);
        await using var client = new EtcdClient(server.ClientUrl);
        await client.Kv.PutAsync("a", "1", null, Cancel);

        Assert.Contains("member-7", await receiver.WaitForAsync("traces", "/etcdserverpb.KV/Put"), StringComparison.Ordinal);
        Assert.Contains("member-7", await receiver.WaitForAsync("metrics", "kestrel.active_connections"), StringComparison.Ordinal);
        Assert.Contains("member-7", await receiver.WaitForAsync("logs", "ready to serve client requests"), StringComparison.Ordinal);
        using var http = new HttpClient();
        Assert.Equal(
            """{"health":"true","reason":""}""", await http.GetStringAsync(new Uri(server.ClientUrl + "/health"), Cancel));
    }
}
