using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Lease;
using Etcd.Server.Primitives;
using Google.Protobuf;

namespace Etcd.Server.Apply;

/// <summary>The payloads of the lease commands that a leader proposes on its own.</summary>
public static class LeaseCommands
{
    /// <summary>A LeaseRevokeRequest.</summary>
    /// <param name="lease">The lease.</param>
    public static byte[] Revoke(LeaseId lease) => new LeaseRevokeRequest { ID = lease.Value }.ToByteArray();

    /// <summary>A LeaseCheckpointRequest.</summary>
    /// <param name="records">The leases with what is left of them.</param>
    public static byte[] Checkpoint(IEnumerable<LeaseRecord> records)
    {
        var request = new LeaseCheckpointRequest();
        request.Checkpoints.AddRange(
            records.Select(r => new LeaseCheckpoint { ID = r.Id.Value, RemainingTTL = r.RemainingSeconds }));
        return request.ToByteArray();
    }
}
