using System.Diagnostics;
using System.Reflection;
using Etcd.Client.Tests.Suites;
using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;
using Grpc.Net.Client;

namespace Etcd.Client.Tests;

/// <summary>
/// Goal: a put costs at most 1 KiB more than with the raw gRPC client. Method: both put in turn through the same member in this
/// process, so that its allocations are in both counts and leave the difference alone; the least of several batches counts. A build
/// without optimization, where each async method is an object of its own, may take twice as much.
/// </summary>
[Collection(Name)]
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AllocationTests(OurMember member) : ClientSuite, IClassFixture<OurMember>
{
    public const string Name = "measures the process";

    private const int Calls = 500;
    private const int Batches = 8;
    private const int MostMore = 1024;

    protected override string Url => member.Url;

    [Fact]
    public async Task A_put_allocates_little_more_than_the_raw_call()
    {
        byte[] key = new byte[16];
        byte[] value = new byte[256];
        EtcdClient client = NewClient();
        using var channel = GrpcChannel.ForAddress(Url);
        var raw = new KV.KVClient(channel);

        long ours = long.MaxValue;
        long theirs = long.MaxValue;
        for (int batch = 0; batch < Batches; batch++)
        {
            ours = Math.Min(ours, await CountAsync(async () => await client.Kv.PutAsync(key, value, cancellationToken: Token)));
            theirs = Math.Min(theirs, await CountAsync(async () => await raw.PutAsync(
                new PutRequest { Key = UnsafeByteOperations.UnsafeWrap(key), Value = UnsafeByteOperations.UnsafeWrap(value) },
                deadline: DateTime.UtcNow.AddSeconds(30),
                cancellationToken: Token)));
        }

        bool optimized = typeof(EtcdClient).Assembly.GetCustomAttribute<DebuggableAttribute>() is not { IsJITOptimizerDisabled: true };
        int most = optimized ? MostMore : 2 * MostMore;

        TestContext.Current.TestOutputHelper?.WriteLine($"ours {ours / Calls} bytes, raw {theirs / Calls} bytes a put, the member's included");
        Assert.True(ours - theirs <= (long)most * Calls, $"{(ours - theirs) / Calls} bytes more a put");
    }

    private static async Task<long> CountAsync(Func<Task> put)
    {
        long before = GC.GetTotalAllocatedBytes(precise: true);
        for (int i = 0; i < Calls; i++)
        {
            await put();
        }

        return GC.GetTotalAllocatedBytes(precise: true) - before;
    }
}
