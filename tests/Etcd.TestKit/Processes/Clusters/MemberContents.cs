using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Mvccpb;
using Google.Protobuf;
using Grpc.Core;
using Xunit;

namespace Etcd.TestKit.Processes.Clusters;

/// <summary>What one member has stored itself, without asking the others.</summary>
public static class MemberContents
{
    private static readonly ByteString First = ByteString.CopyFrom(0);

    /// <summary>All its keys with all that belongs to them, in order.</summary>
    public static async Task<IReadOnlyList<KeyValue>> KeysAsync(ClusterMember member, CancellationToken cancellation)
    {
        RangeResponse all = await new KV.KVClient(member.Channel).RangeAsync(
            new RangeRequest { Key = First, RangeEnd = First, Serializable = true }, cancellationToken: cancellation);
        return all.Kvs;
    }

    /// <summary>Its hash of all revisions up to that one; 0 means the newest.</summary>
    public static async Task<HashKVResponse> HashAsync(ClusterMember member, long revision, CancellationToken cancellation) =>
        await new Maintenance.MaintenanceClient(member.Channel).HashKVAsync(
            new HashKVRequest { Revision = revision }, cancellationToken: cancellation);

    /// <summary>Every write from revision 1 to that one, as a watch tells of it.</summary>
    public static async Task<IReadOnlyList<Event>> EventsAsync(ClusterMember member, long last, CancellationToken cancellation)
    {
        using AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call =
            new Watch.WatchClient(member.Channel).Watch(deadline: DateTime.UtcNow + CapturedProcess.Patience, cancellationToken: cancellation);
        await call.RequestStream.WriteAsync(
            new WatchRequest { CreateRequest = new WatchCreateRequest { Key = First, RangeEnd = First, StartRevision = 1 } }, cancellation);
        var events = new List<Event>();
        while (events.Count == 0 ? last > 1 : events[^1].Kv.ModRevision < last)
        {
            Assert.True(await call.ResponseStream.MoveNext(cancellation), $"{member.Name} ended the watch");
            Assert.False(call.ResponseStream.Current.Canceled, call.ResponseStream.Current.ToString());
            events.AddRange(call.ResponseStream.Current.Events);
        }

        return events;
    }

    /// <summary>Waits until all members are level; they then have the same keys, the same history and the same hash.</summary>
    public static async Task RequireEqualAsync(ServerCluster cluster, CancellationToken cancellation)
    {
        await cluster.WaitUntilLevelAsync(cancellation);
        ClusterMember[] active = [.. cluster.Members.Where(m => m.IsActive)];
        IReadOnlyList<KeyValue> expected = await KeysAsync(active[0], cancellation);
        HashKVResponse hash = await HashAsync(active[0], 0, cancellation);
        foreach (ClusterMember other in active[1..])
        {
            IReadOnlyList<KeyValue> keys = await KeysAsync(other, cancellation);
            Assert.Equal(expected.Count, keys.Count);
            foreach ((KeyValue one, KeyValue two) in expected.Zip(keys))
            {
                Assert.True(one.Equals(two), $"{active[0].Name}: {one}\n{other.Name}: {two}");
            }

            HashKVResponse otherHash = await HashAsync(other, 0, cancellation);
            Assert.True(
                (hash.Hash, hash.Header.Revision, hash.CompactRevision) == (otherHash.Hash, otherHash.Header.Revision, otherHash.CompactRevision),
                $"{active[0].Name}: {hash}\n{other.Name}: {otherHash}");
        }
    }
}
