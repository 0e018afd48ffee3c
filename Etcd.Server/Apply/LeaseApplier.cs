using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Lease;
using Etcd.Server.Primitives;
using Google.Protobuf;
using LeaseStatus = Etcd.Server.Lease.LeaseStatus;

namespace Etcd.Server.Apply;

/// <summary>
/// The lease commands of the log: from the command's bytes to the outcome. Apply thread only. A payload that is no such
/// message throws, because then the log is not what it should be.
/// </summary>
/// <param name="leases">The leases.</param>
/// <param name="deleter">Deletes the keys of a lease that is revoked.</param>
/// <param name="currentRevision">The store's revision, with what the command that is being applied has changed.</param>
internal sealed class LeaseApplier(LeaseManager leases, ILeasedKeyDeleter deleter, Func<long> currentRevision)
{
    /// <summary>Applies a LeaseGrantRequest; the outcome carries what was granted.</summary>
    public ApplyOutcome Grant(ReadOnlyMemory<byte> payload)
    {
        LeaseGrantRequest request = LeaseGrantRequest.Parser.ParseFrom(payload.Span);
        LeaseGrant grant = leases.Grant(new LeaseId(request.ID), request.TTL);
        return grant.Status == LeaseStatus.Ok
            ? new ApplyOutcome(currentRevision(), new LeaseGrantResponse { ID = request.ID, TTL = grant.TtlSeconds }.ToByteArray())
            : Refused(grant.Status);
    }

    /// <summary>Applies a LeaseRevokeRequest: the lease ends and its keys go, at one revision.</summary>
    public ApplyOutcome Revoke(ReadOnlyMemory<byte> payload)
    {
        LeaseRevokeRequest request = LeaseRevokeRequest.Parser.ParseFrom(payload.Span);
        LeaseStatus status = leases.Revoke(new LeaseId(request.ID), deleter);
        return status == LeaseStatus.Ok ? new ApplyOutcome(currentRevision()) : Refused(status);
    }

    /// <summary>Applies a LeaseCheckpointRequest. Leases that are gone are passed over.</summary>
    public ApplyOutcome Checkpoint(ReadOnlyMemory<byte> payload)
    {
        foreach (LeaseCheckpoint checkpoint in LeaseCheckpointRequest.Parser.ParseFrom(payload.Span).Checkpoints)
        {
            leases.Checkpoint(new LeaseId(checkpoint.ID), checkpoint.RemainingTTL);
        }

        return new ApplyOutcome(currentRevision());
    }

    private ApplyOutcome Refused(LeaseStatus status)
    {
        EtcdError error = status switch
        {
            LeaseStatus.NotFound => EtcdErrors.LeaseNotFound,
            LeaseStatus.Exists => EtcdErrors.LeaseExists,
            LeaseStatus.TtlTooLarge => EtcdErrors.LeaseTtlTooLarge,
            _ => throw new InvariantException($"a lease command cannot end as {status}"),
        };
        return new ApplyOutcome(error, currentRevision());
    }
}
