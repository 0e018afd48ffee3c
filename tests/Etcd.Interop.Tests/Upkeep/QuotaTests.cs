using Etcd.Protocol.Etcdserverpb;
using Etcd.TestKit.Processes;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace Etcd.Interop.Tests.Upkeep;

/// <summary>
/// Goal: an operator gets a member with a used-up quota going again as the manual of etcd says: compact, defragment, disarm. Method: a
/// member with a small quota is filled, and etcdctl is used on it.
/// </summary>
public sealed class QuotaTests
{
    private const string NoSpace = "etcdserver: mvcc: database space exceeded";
    private const string Alarm = "memberID:10276657743932975437 alarm:NOSPACE";
    private const int QuotaBytes = 12 * 1024 * 1024;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_member_that_is_full_is_got_going_again_by_etcdctl()
    {
        RealEtcd.Require();
        await using ServerProcess server = await ServerProcess.StartAsync(ServerProgram.Ours, ["--quota-backend-bytes", $"{QuotaBytes}"], Token);
        await server.Process.WaitForLineAsync("enabled backend quota", Token);
        await FillAsync(server);
        Assert.Equal(Alarm, (await CtlAsync(server, "alarm", "list")).Stdout.Trim());
        CommandResult refused = await CtlAsync(server, "put", "b", "1");
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains(NoSpace, refused.Stderr, StringComparison.Ordinal);

        // A restart changes nothing of it.
        await server.KillAsync(Token);
        await server.LaunchAsync();
        await server.Process.WaitUntilAsync("the alarm", async () => (await CtlAsync(server, "alarm", "list")).Stdout.Trim() == Alarm, Token);
        StatusResponse status = await StatusAsync(server);
        Assert.Equal([Alarm], status.Errors);
        Assert.Equal(QuotaBytes, status.DbSizeQuota);

        await OkAsync(server, "del", "never");
        await OkAsync(server, "compaction", $"{status.Header.Revision}", "--physical");
        Assert.Equal($"Finished defragmenting etcd member[{server.Endpoint}]\n", (await OkAsync(server, "defrag")).Stdout);
        StatusResponse small = await StatusAsync(server);
        // One version of one value is left of what filled it.
        Assert.InRange(small.DbSize, 500_000, status.DbSize / 4);
        Assert.InRange(small.DbSizeInUse, 500_000, small.DbSize);
        Assert.Equal([Alarm], small.Errors);
        await OkAsync(server, "alarm", "disarm");
        await OkAsync(server, "put", "b", "1");
        Assert.Equal("", (await CtlAsync(server, "alarm", "list")).Stdout);
        status = await StatusAsync(server);
        Assert.Empty(status.Errors);
        Assert.InRange(status.DbSize, 1, QuotaBytes);
    }

    /// <summary>
    /// The loop that operators have in a script: as often as the member fills up, it is got going again, and it takes as much each time.
    /// </summary>
    [Fact]
    public async Task Compact_defragment_and_disarm_work_again_and_again()
    {
        RealEtcd.Require();
        await using ServerProcess server = await ServerProcess.StartAsync(ServerProgram.Ours, ["--quota-backend-bytes", $"{QuotaBytes}"], Token);
        for (int round = 0; round < 3; round++)
        {
            Assert.InRange(await FillAsync(server), QuotaBytes / 2 / 500_000, QuotaBytes / 500_000 * 2);
            StatusResponse status = await StatusAsync(server);
            Assert.Equal([Alarm], status.Errors);
            await OkAsync(server, "compaction", $"{status.Header.Revision}");
            await OkAsync(server, "defrag");
            await OkAsync(server, "alarm", "disarm");
            Assert.InRange((await StatusAsync(server)).DbSize, 1, QuotaBytes / 4);
            await OkAsync(server, "put", $"round-{round}", "1");
        }

        Assert.Equal("round-0\n1\nround-1\n1\nround-2\n1\n", (await OkAsync(server, "get", "round", "--prefix")).Stdout);
    }

    [Fact]
    public async Task A_quota_below_zero_is_none_and_none_is_two_gibibytes()
    {
        await using ServerProcess none = await ServerProcess.StartAsync(ServerProgram.Ours, ["--quota-backend-bytes=-1"], Token);
        await none.Process.WaitForLineAsync("disabled backend quota", Token);
        Assert.Equal(-1, (await StatusAsync(none)).DbSizeQuota);
        await using ServerProcess usual = await ServerProcess.StartAsync(ServerProgram.Ours, [], Token);
        await usual.Process.WaitForLineAsync("enabled backend quota with default value", Token);
        Assert.Contains(usual.Process.Lines, l => l.Contains("\"quota-size-bytes\":2147483648,\"quota-size\":\"2.1 GB\"", StringComparison.Ordinal));
        Assert.Equal(2147483648, (await StatusAsync(usual)).DbSizeQuota);
    }

    /// <summary>Nobody does anything: what is old goes by itself, and with it the alarm.</summary>
    [Fact]
    public async Task A_member_that_may_gets_going_again_by_itself()
    {
        await using ServerProcess server = await ServerProcess.StartAsync(
            ServerProgram.Ours,
            ["--quota-backend-bytes", $"{QuotaBytes}", "--quota-auto-disarm", "--auto-compaction-mode", "periodic", "--auto-compaction-retention", "5s"],
            Token);
        await FillAsync(server);
        await server.Process.WaitForLineAsync("the store has taken most of its quota", Token);
        using GrpcChannel channel = GrpcChannel.ForAddress(server.ClientUrl);
        await server.Process.WaitUntilAsync("a put to be taken again", async () =>
        {
            try
            {
                await new KV.KVClient(channel).PutAsync(Put("b", 10), cancellationToken: Token);
                return true;
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.ResourceExhausted)
            {
                return false;
            }
        }, Token);
        await server.Process.WaitForLineAsync("completed auto periodic compaction", Token);
        await server.Process.WaitForLineAsync("disarming the NOSPACE alarm", Token);
        Assert.Empty((await StatusAsync(server)).Errors);
    }

    private static PutRequest Put(string key, int bytes) => new() { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFrom(new byte[bytes]) };

    /// <summary>Puts until there is no space; returns how many were taken.</summary>
    private static async Task<int> FillAsync(ServerProcess server)
    {
        using GrpcChannel channel = GrpcChannel.ForAddress(server.ClientUrl);
        var kv = new KV.KVClient(channel);
        int taken = 0;
        RpcException refusal = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            for (; taken < 100; taken++)
            {
                await kv.PutAsync(Put("a", 500_000), cancellationToken: Token);
            }
        });
        Assert.Equal((StatusCode.ResourceExhausted, NoSpace), (refusal.StatusCode, refusal.Status.Detail));
        return taken;
    }

    private static async Task<StatusResponse> StatusAsync(ServerProcess server)
    {
        using GrpcChannel channel = GrpcChannel.ForAddress(server.ClientUrl);
        return await new Maintenance.MaintenanceClient(channel).StatusAsync(new StatusRequest(), cancellationToken: Token);
    }

    private static Task<CommandResult> CtlAsync(ServerProcess server, params string[] arguments) =>
        EtcdCtl.RunAsync(server.Endpoint, arguments, Token);

    private static async Task<CommandResult> OkAsync(ServerProcess server, params string[] arguments)
    {
        CommandResult result = await CtlAsync(server, arguments);
        Assert.True(result.ExitCode == 0, $"{string.Join(' ', arguments)}: {result.Output}");
        return result;
    }
}
