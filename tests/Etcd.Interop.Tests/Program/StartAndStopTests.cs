using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Etcd.Protocol.Etcdserverpb;
using Etcd.TestKit.Processes;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace Etcd.Interop.Tests.Program;

/// <summary>Goal: what programs and people that start, read and stop an etcd process rely on.</summary>
public sealed partial class StartAndStopTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Version_is_printed_as_tools_look_for_it()
    {
        CommandResult result = await CapturedProcess.RunAsync(ServerProgram.Ours.Executable, ["--version"], cancellation: Token);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("etcd Version: 3.7.1", result.Stdout.Split('\n'));
    }

    [Fact]
    public async Task Every_line_of_the_log_is_a_JSON_object_and_none_is_an_error()
    {
        await using ServerProcess server = await StartAsync("--log-level", "debug");
        using GrpcChannel channel = GrpcChannel.ForAddress(server.ClientUrl);
        await PutAsync(channel, "k", "v");
        await Assert.ThrowsAsync<RpcException>(() => PutAsync(channel, "", "an error of the client is none of the server"));
        CommandResult result = await server.TerminateAsync(Token);

        string[] lines = [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
        Assert.NotEmpty(lines);
        Assert.All(lines, line =>
        {
            using JsonDocument json = JsonDocument.Parse(line);
            Assert.Matches(LevelOfNoError(), json.RootElement.GetProperty("level").GetString()!);
            Assert.Matches(Time(), json.RootElement.GetProperty("ts").GetString()!);
            Assert.Matches("^[^ ]+:[0-9]+$|^[^ ]+$", json.RootElement.GetProperty("caller").GetString()!);
            Assert.NotEqual("", json.RootElement.GetProperty("msg").GetString());
        });
        Assert.Contains("ready to serve client requests", result.Output, StringComparison.Ordinal);
        Assert.Contains("serving client traffic", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_start_says_that_it_is_ready_and_ids_and_data_last()
    {
        await using ServerProcess server = await StartAsync();
        using GrpcChannel channel = GrpcChannel.ForAddress(server.ClientUrl);
        await PutAsync(channel, "k", "v");
        MemberListResponse before = await MembersAsync(channel);
        Assert.Equal(0, (await server.TerminateAsync(Token)).ExitCode);

        await server.StartAsync("ready to serve client requests", Token);

        RangeResponse range = await new KV.KVClient(channel).RangeAsync(
            new RangeRequest { Key = Utf8("k") }, new CallOptions(cancellationToken: Token).WithWaitForReady());
        MemberListResponse after = await MembersAsync(channel);
        Assert.Equal("v", range.Kvs.Single().Value.ToStringUtf8());
        Assert.Equal(2, range.Header.Revision);
        Assert.Equal(0x8e9e05c52164694dUL, after.Header.MemberId);
        Assert.Equal(0xcdf818194e3a8c32UL, after.Header.ClusterId);
        Assert.Equal(before.Members, after.Members);
        Assert.Equal(before.Header.MemberId, after.Header.MemberId);
    }

    [Fact]
    public async Task A_stop_ends_open_streams_and_the_process_in_time()
    {
        await using ServerProcess server = await StartAsync();
        using GrpcChannel channel = GrpcChannel.ForAddress(server.ClientUrl);
        using AsyncDuplexStreamingCall<WatchRequest, WatchResponse> watch = new Watch.WatchClient(channel).Watch(cancellationToken: Token);
        await watch.RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = Utf8("k") } }, Token);
        Assert.True(await watch.ResponseStream.MoveNext(Token));
        using AsyncDuplexStreamingCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> keepAlive = new Lease.LeaseClient(channel).LeaseKeepAlive(cancellationToken: Token);
        await keepAlive.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = 1 }, Token);
        Assert.True(await keepAlive.ResponseStream.MoveNext(Token));

        long started = Stopwatch.GetTimestamp();
        CommandResult result = await server.TerminateAsync(Token);
        TestContext.Current.SendDiagnosticMessage($"stopped in {Stopwatch.GetElapsedTime(started).TotalMilliseconds:F0} ms");

        Assert.Equal(0, result.ExitCode);
        RpcException failure = await Assert.ThrowsAsync<RpcException>(() => watch.ResponseStream.MoveNext(Token));
        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);

        // The limit is what the users of such a process wait, from its own log, so that the machine's load counts little.
        Assert.InRange(StopTime(result.Output), TimeSpan.Zero, TimeSpan.FromSeconds(1.5));
    }

    [Fact]
    public async Task A_stopped_process_that_goes_on_serves_again()
    {
        await using ServerProcess server = await StartAsync();
        using GrpcChannel channel = GrpcChannel.ForAddress(server.ClientUrl);
        await PutAsync(channel, "k", "1");

        server.Process.Send(Signal.Stop);
        Task pending = PutAsync(channel, "k", "2");
        server.Process.Send(Signal.Continue);
        await pending;

        Assert.Equal(3, await RevisionAsync(channel));
    }

    [Fact]
    public async Task A_second_process_on_the_same_folder_is_refused()
    {
        await using ServerProcess server = await StartAsync();

        CommandResult second = await CapturedProcess.RunAsync(
            ServerProgram.Ours.Executable,
            [
                "--data-dir", server.DataFolder, "--listen-client-urls", $"http://127.0.0.1:{FreePorts.Take()}",
                "--advertise-client-urls", "http://localhost:2379", "--listen-peer-urls", $"http://127.0.0.1:{FreePorts.Take()}",
            ],
            cancellation: Token);

        Assert.Equal(1, second.ExitCode);
        Assert.Contains("lock", second.Output, StringComparison.OrdinalIgnoreCase);
        using GrpcChannel channel = GrpcChannel.ForAddress(server.ClientUrl);
        await PutAsync(channel, "k", "the first goes on");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_port_in_use_is_named(bool client)
    {
        await using ServerProcess first = await StartAsync();
        string free = $"http://127.0.0.1:{FreePorts.Take()}";
        string folder = Path.Combine(first.Folder, "other");

        CommandResult second = await CapturedProcess.RunAsync(
            ServerProgram.Ours.Executable,
            [
                "--data-dir", folder, "--listen-client-urls", client ? first.ClientUrl : free,
                "--advertise-client-urls", "http://localhost:2379", "--listen-peer-urls", client ? free : "http://" + first.PeerEndpoint,
            ],
            cancellation: Token);

        Assert.Equal(1, second.ExitCode);
        Assert.Contains("address already in use", second.Output, StringComparison.Ordinal);
        Assert.Contains(client ? first.Endpoint : first.PeerEndpoint, second.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder));
    }

    private static Task<ServerProcess> StartAsync(params string[] flags) => ServerProcess.StartAsync(ServerProgram.Ours, flags, Token);

    private static async Task PutAsync(GrpcChannel channel, string key, string value) =>
        await new KV.KVClient(channel).PutAsync(new PutRequest { Key = Utf8(key), Value = Utf8(value) }, cancellationToken: Token);

    private static async Task<long> RevisionAsync(GrpcChannel channel) =>
        (await new KV.KVClient(channel).RangeAsync(new RangeRequest { Key = Utf8("k") }, cancellationToken: Token)).Header.Revision;

    private static async Task<MemberListResponse> MembersAsync(GrpcChannel channel) =>
        await new Cluster.ClusterClient(channel).MemberListAsync(new MemberListRequest(), cancellationToken: Token);

    private static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);

    private static TimeSpan StopTime(string log)
    {
        DateTime[] times = [.. log.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line =>
        {
            using JsonDocument json = JsonDocument.Parse(line);
            return (Message: json.RootElement.GetProperty("msg").GetString()!, Time: json.RootElement.GetProperty("ts").GetDateTime());
        })
            .Where(l => l.Message.StartsWith("received signal", StringComparison.Ordinal) || l.Message == "closed etcd server")
            .Select(l => l.Time)];
        return times[^1] - times[^2];
    }

    [GeneratedRegex("^(debug|info|warn)$")]
    private static partial Regex LevelOfNoError();

    [GeneratedRegex("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?(Z|[+-][0-9]{4})$")]
    private static partial Regex Time();
}
