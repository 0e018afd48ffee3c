using System.Collections.Concurrent;
using System.Globalization;
using Etcd.Protocol.Etcdserverpb;
using Etcd.TestKit.Processes;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace Etcd.Interop.Tests.Recovery;

/// <summary>
/// Goal: no acknowledged write is lost when the process dies. Method: writers put rising numbers, each to keys of its own,
/// while the member is killed and started again on its folder. A put that was not acknowledged is tried again with the same
/// value, so at the end each key has its last acknowledged value or, if its writer was cut off, a later attempt.
/// </summary>
public sealed class KillTests
{
    private const int Puts = 20_000;
    private const int Kills = 5;
    private const int Writers = 50;
    private const int KeysPerWriter = 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_acknowledged_put_is_lost_by_five_kills()
    {
        // The disk's sync is part of the proof, unlike elsewhere.
        await using ServerProcess server = ServerProcess.Create(ServerProgram.Ours, "--snapshot-count=300");
        await server.StartAsync(Token);
        var acknowledged = new ConcurrentDictionary<string, int>();
        int count = 0;
        int unanswered = 0;
        using GrpcChannel channel = GrpcChannel.ForAddress(
            server.ClientUrl,
            new GrpcChannelOptions { InitialReconnectBackoff = TimeSpan.FromMilliseconds(10), MaxReconnectBackoff = TimeSpan.FromMilliseconds(50) });
        var kv = new KV.KVClient(channel);
        Task[] writers = [.. Enumerable.Range(0, Writers).Select(WriteAsync)];
        for (int kill = 1; kill <= Kills; kill++)
        {
            int due = Puts * kill / (Kills + 1);
            await server.Process.WaitUntilAsync($"{due} puts", () => new(Volatile.Read(ref count) >= due), Token);
            await server.KillAsync(Token);
            await server.StartAsync(Token);
        }

        await Task.WhenAll(writers);
        TestContext.Current.SendDiagnosticMessage($"{count} acknowledged, {unanswered} unanswered");
        RangeResponse all = await kv.RangeAsync(new RangeRequest { Key = Utf8("k"), RangeEnd = Utf8("l") }, cancellationToken: Token);

        Assert.Equal(Puts, count);
        Assert.True(unanswered > 0, "no kill cut a put off");
        Dictionary<string, int> found = all.Kvs.ToDictionary(
            p => p.Key.ToStringUtf8(), p => int.Parse(p.Value.ToStringUtf8(), CultureInfo.InvariantCulture));
        Assert.Equal(Writers * KeysPerWriter, acknowledged.Count);
        Assert.All(acknowledged, put => Assert.Equal(put.Value, found[put.Key]));

        // Every put made a revision, an unanswered one perhaps another: nothing was undone or counted twice.
        Assert.InRange(all.Header.Revision, 1 + Puts, 1 + Puts + unanswered);

        async Task WriteAsync(int writer)
        {
            for (int i = 0; i < Puts / Writers; i++)
            {
                string key = $"k{writer}/{i % KeysPerWriter}";
                var request = new PutRequest { Key = Utf8(key), Value = Utf8(i.ToString(CultureInfo.InvariantCulture)) };
                while (!await TryPutAsync(request))
                {
                    Interlocked.Increment(ref unanswered);
                }

                acknowledged[key] = i;
                Interlocked.Increment(ref count);
            }
        }

        async Task<bool> TryPutAsync(PutRequest request)
        {
            try
            {
                await kv.PutAsync(request, new CallOptions(cancellationToken: Token).WithWaitForReady());
                return true;
            }
            catch (RpcException e) when (e.StatusCode is StatusCode.Unavailable)
            {
                return false;
            }
        }
    }

    private static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);
}
