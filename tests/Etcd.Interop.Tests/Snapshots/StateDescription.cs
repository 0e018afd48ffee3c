using System.Globalization;
using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace Etcd.Interop.Tests.Snapshots;

/// <summary>What clients can learn of a member's state.</summary>
/// <param name="Revision">The revision.</param>
/// <param name="Lines">Keys at each of the last revisions, leases, hashes.</param>
/// <param name="Ids">The cluster's and the members' ids.</param>
internal sealed record StateDescription(long Revision, IReadOnlyList<string> Lines, IReadOnlyList<string> Ids)
{
    private const int Revisions = 70;

    public static async Task<StateDescription> OfAsync(string url, CancellationToken cancellation)
    {
        using GrpcChannel channel = GrpcChannel.ForAddress(url, new GrpcChannelOptions { MaxReceiveMessageSize = null });
        var kv = new KV.KVClient(channel);
        RangeResponse now = await kv.RangeAsync(All(0), cancellationToken: cancellation);
        long revision = now.Header.Revision;
        var maintenance = new Maintenance.MaintenanceClient(channel);
        HashKVResponse latest = await maintenance.HashKVAsync(new HashKVRequest(), cancellationToken: cancellation);
        var lines = new List<string> { $"hash {latest.Hash} from {latest.CompactRevision}" };
        for (long at = revision; at > 0 && at > revision - Revisions; at--)
        {
            try
            {
                RangeResponse found = await kv.RangeAsync(All(at), cancellationToken: cancellation);
                lines.Add($"{at}: {found.Count} keys, {Hash(found.Kvs)}");
                // A member keeps the hash that a compaction has made for as long as it runs; one that is started later computes another.
                if (at == latest.CompactRevision && at != revision)
                    continue;

                HashKVResponse hash = await maintenance.HashKVAsync(new HashKVRequest { Revision = at }, cancellationToken: cancellation);
                lines.Add($"{at}: hash {hash.Hash} from {hash.CompactRevision}");
            }
            catch (RpcException e)
            {
                lines.Add($"{at}: {e.Status.Detail}");
                break;
            }
        }

        var lease = new Lease.LeaseClient(channel);
        LeaseLeasesResponse leases = await lease.LeaseLeasesAsync(new LeaseLeasesRequest(), cancellationToken: cancellation);
        foreach (LeaseStatus status in leases.Leases.OrderBy(l => l.ID))
        {
            LeaseTimeToLiveResponse left = await lease.LeaseTimeToLiveAsync(
                new LeaseTimeToLiveRequest { ID = status.ID, Keys = true }, cancellationToken: cancellation);
            lines.Add($"lease {status.ID}: {left.GrantedTTL} s, {string.Join(',', left.Keys.Select(k => k.ToBase64()).Order(StringComparer.Ordinal))}");
        }

        MemberListResponse members = await new Cluster.ClusterClient(channel).MemberListAsync(new MemberListRequest(), cancellationToken: cancellation);
        string[] ids =
        [
            members.Header.ClusterId.ToString("x", CultureInfo.InvariantCulture),
            .. members.Members.Select(m => $"{m.ID:x} {m.Name} {string.Join(',', m.PeerURLs)}"),
        ];
        return new StateDescription(revision, lines, ids);
    }

    public void AssertSame(StateDescription expected)
    {
        Assert.Equal(expected.Revision, Revision);
        Assert.Equal(expected.Lines, Lines);
    }

    private static RangeRequest All(long revision) =>
        new() { Key = ByteString.CopyFrom(0), RangeEnd = ByteString.CopyFrom(0), Revision = revision };

    private static string Hash(IEnumerable<Protocol.Mvccpb.KeyValue> kvs)
    {
        using var all = new MemoryStream();
        foreach (Protocol.Mvccpb.KeyValue kv in kvs)
            kv.WriteDelimitedTo(all);

        return Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(all.ToArray()))[..16];
    }
}
