using System.Globalization;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Mvccpb;
using Etcd.Server.Apply.Snapshots;
using Etcd.Server.Bolt;
using Etcd.TestKit.Processes;
using Etcd.TestKit.Processes.Clusters;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace Etcd.Interop.Tests.Upkeep;

/// <summary>
/// Goal: a member whose data are not the others' neither serves nor stays unnoticed. Method: three members begin with the same snapshot, but for
/// one, in whose copy a value was changed.
/// </summary>
public sealed class IntegrityTests : IDisposable
{
    private const string Inconsistent = "found data inconsistency with peers";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("etcd-integrity-");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_member_whose_data_differ_does_not_start_and_if_made_to_is_named_by_an_alarm()
    {
        byte[] snapshot = await MakeAsync();
        await using ServerCluster cluster = ServerCluster.Create(
            ServerProgram.Ours, MemberPlace.OnLoopback(3), "--unsafe-no-fsync", "--compact-hash-check-time", "1s");
        ClusterMember bad = cluster.Members[2];
        await Task.WhenAll(cluster.Members.Select(m => RestoreAsync(m, m == bad ? Change(snapshot) : snapshot)));
        ClusterMember[] good = [.. cluster.Members.Take(2)];
        foreach (ClusterMember member in good)
        {
            await member.LaunchAsync();
        }

        await cluster.WaitUntilAsync("two that know a leader", async () =>
        {
            StatusResponse?[] all = await Task.WhenAll(good.Select(m => m.StatusAsync(Token)));
            return all.All(s => s is { Leader: not 0 });
        }, Token);

        await bad.LaunchAsync();
        CommandResult end = await bad.Process.WaitForExitAsync(Token);
        Assert.Equal(1, end.ExitCode);
        Assert.Contains(Inconsistent, end.Output, StringComparison.Ordinal);

        bad.Flags = [.. bad.Flags, "--feature-gates=InitialCorruptCheck=false"];
        await bad.StartAsync(Token);
        string alarm = string.Create(CultureInfo.InvariantCulture, $"memberID:{bad.Id} alarm:CORRUPT");
        long revision = await PutAsync(good[0], "after");
        await new KV.KVClient(good[0].Channel).CompactAsync(new CompactionRequest { Revision = revision, Physical = true }, cancellationToken: Token);
        await cluster.WaitUntilAsync("the alarm on every member", async () =>
        {
            StatusResponse?[] all = await Task.WhenAll(cluster.Members.Select(m => m.StatusAsync(Token)));
            return all.All(s => s?.Errors.SequenceEqual([alarm]) == true);
        }, Token);
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => PutAsync(good[1], "more"));
        Assert.Equal((StatusCode.DataLoss, "etcdserver: corrupt cluster"), (refused.StatusCode, refused.Status.Detail));

        // The operator takes the member out of service, and goes on.
        await bad.KillAsync(Token);
        await new Maintenance.MaintenanceClient(good[0].Channel).AlarmAsync(
            new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Deactivate, Alarm = AlarmType.Corrupt, MemberID = bad.Id }, cancellationToken: Token);
        await PutAsync(good[1], "more");
    }

    /// <summary>A check that cries wolf would stop the cluster.</summary>
    [Fact]
    public async Task Members_whose_data_are_the_same_are_found_to_be_so_under_load()
    {
        await using ServerCluster cluster = ServerCluster.Create(
            ServerProgram.Ours, MemberPlace.OnLoopback(3), "--unsafe-no-fsync", "--compact-hash-check-time", "300ms", "--corrupt-check-time", "300ms");
        ClusterMember leader = await cluster.StartAsync(Token);
        var kv = new KV.KVClient(leader.Channel);
        long compacted = 0;
        for (int round = 0; round < 30; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 40).Select(i => PutAsync(cluster.Members[i % 3], $"k{i % 11}")));
            DeleteRangeResponse deleted = await kv.DeleteRangeAsync(
                new DeleteRangeRequest { Key = ByteString.CopyFromUtf8($"k{round % 11}") }, cancellationToken: Token);
            compacted = deleted.Header.Revision;
            await kv.CompactAsync(new CompactionRequest { Revision = compacted, Physical = true }, cancellationToken: Token);
        }

        await leader.Process.WaitUntilAsync(
            "the last compaction to be compared",
            () => ValueTask.FromResult(leader.Process.Lines.Any(l =>
                l.Contains("successfully checked hash on whole cluster", StringComparison.Ordinal)
                && l.Contains(string.Create(CultureInfo.InvariantCulture, $"\"revision\":{compacted},"), StringComparison.Ordinal))),
            Token);
        await leader.Process.WaitForLineAsync("\"msg\":\"finished peer corruption check\",\"number-of-peers-checked\":2", Token);
        foreach (ClusterMember member in cluster.Members)
        {
            Assert.Empty((await member.StatusAsync(Token))!.Errors);
        }
    }

    private static async Task<long> PutAsync(ClusterMember member, string key)
    {
        var put = new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8("v") };
        return (await new KV.KVClient(member.Channel).PutAsync(put, cancellationToken: Token)).Header.Revision;
    }

    /// <summary>A snapshot with some history, without the hash behind it.</summary>
    private static async Task<byte[]> MakeAsync()
    {
        await using ServerProcess server = await ServerProcess.StartAsync(ServerProgram.Ours, [], Token);
        using GrpcChannel channel = GrpcChannel.ForAddress(server.ClientUrl);
        var kv = new KV.KVClient(channel);
        for (int i = 0; i < 20; i++)
        {
            await kv.PutAsync(
                new PutRequest { Key = ByteString.CopyFromUtf8($"k{i % 7}"), Value = ByteString.CopyFromUtf8($"value {i}") }, cancellationToken: Token);
        }

        using var call = new Maintenance.MaintenanceClient(channel).Snapshot(new SnapshotRequest(), cancellationToken: Token);
        var file = new MemoryStream();
        while (await call.ResponseStream.MoveNext(Token))
        {
            call.ResponseStream.Current.Blob.WriteTo(file);
        }

        return file.ToArray()[..^32];
    }

    /// <summary>The same history, but for one value.</summary>
    private static byte[] Change(byte[] snapshot)
    {
        var reader = new BoltReader(new MemoryStream(snapshot));
        var table = new BucketTable();
        foreach (string bucket in reader.Buckets)
        {
            table.Add(bucket);
            BoltCursor cursor = reader.Open(bucket)!;
            while (cursor.MoveNext())
            {
                byte[] value = cursor.Value.ToArray();
                if (bucket == StateBuckets.Key)
                {
                    KeyValue kv = KeyValue.Parser.ParseFrom(value);
                    kv.Value = kv.Value.ToStringUtf8() == "value 17" ? ByteString.CopyFromUtf8("other 17") : kv.Value;
                    value = kv.ToByteArray();
                }

                table.Set(bucket, cursor.Key.ToArray(), value);
            }
        }

        var changed = new MemoryStream();
        new BoltWriter(table.ToBuckets()).WriteTo(changed);
        return changed.ToArray();
    }

    private async Task RestoreAsync(ClusterMember member, byte[] snapshot)
    {
        string file = Path.Combine(_folder.FullName, member.Name + ".db");
        await File.WriteAllBytesAsync(file, snapshot, Token);
        CommandResult restored = await CapturedProcess.RunAsync(
            ServerProgram.Ours.Executable,
            [
                "snapshot", "restore", file, "--skip-hash-check", "--data-dir", member.DataFolder, "--name", member.Name,
                "--initial-cluster", member.InitialCluster, "--initial-cluster-token", "test", "--initial-advertise-peer-urls", member.Place.PeerUrl,
            ],
            cancellation: Token);
        Assert.True(restored.ExitCode == 0, restored.ToString());
    }
}
