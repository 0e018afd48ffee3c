using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply;
using Etcd.Server.Lease;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Google.Protobuf;
using Grpc.Core;
using LeaseStatus = Etcd.Server.Lease.LeaseStatus;
using LeaseStatusMessage = Etcd.Protocol.Etcdserverpb.LeaseStatus;

namespace Etcd.Server.Api.Leases;

/// <summary>etcdserverpb.Lease: grants and revokes go through the log; renewals and questions are answered by the lease room.</summary>
/// <param name="api">The node.</param>
internal sealed class LeaseService(ApiContext api) : Protocol.Etcdserverpb.Lease.LeaseBase
{
    /// <inheritdoc/>
    public override async Task<LeaseGrantResponse> LeaseGrant(LeaseGrantRequest request, ServerCallContext context)
    {
        if (request.ID == 0)
        {
            // Chosen before it is proposed: every member must apply the same.
            request.ID = api.Ids.NextLease().Value;
        }

        ApplyOutcome outcome = await api.Proposals.ProposeAsync(
            RaftCommand.Create(RaftCommandKind.LeaseGrant, request.ToByteArray())).ConfigureAwait(false);
        LeaseGrantResponse response = LeaseGrantResponse.Parser.ParseFrom(outcome.Body.Span);
        response.Header = ResponseHeader.Message(api.Status, outcome.Revision);
        return response;
    }

    /// <inheritdoc/>
    public override async Task<LeaseRevokeResponse> LeaseRevoke(LeaseRevokeRequest request, ServerCallContext context)
    {
        ApplyOutcome outcome = await api.Proposals.ProposeAsync(
            RaftCommand.Create(RaftCommandKind.LeaseRevoke, request.ToByteArray())).ConfigureAwait(false);
        return new LeaseRevokeResponse { Header = ResponseHeader.Message(api.Status, outcome.Revision) };
    }

    /// <inheritdoc/>
    public override async Task LeaseKeepAlive(
        IAsyncStreamReader<LeaseKeepAliveRequest> requestStream,
        IServerStreamWriter<LeaseKeepAliveResponse> responseStream,
        ServerCallContext context)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, api.Stopping);
        try
        {
            while (await requestStream.MoveNext(ended.Token).ConfigureAwait(false))
            {
                var id = new LeaseId(requestStream.Current.ID);
                // The header is made first: a client that sees revision N here knows that the lease lived at N.
                var response = new LeaseKeepAliveResponse
                {
                    Header = ResponseHeader.Message(api.Status, api.Status.Revision),
                    ID = id.Value,
                };
                response.TTL = await RenewAsync(id, ended.Token).ConfigureAwait(false);
                await responseStream.WriteAsync(response, ended.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (api.Stopping.IsCancellationRequested)
        {
            throw EtcdErrors.Stopped.ToException();
        }
    }

    /// <inheritdoc/>
    public override async Task<LeaseTimeToLiveResponse> LeaseTimeToLive(LeaseTimeToLiveRequest request, ServerCallContext context)
    {
        await api.Reads.LinearizeAsync(context.CancellationToken).ConfigureAwait(false);
        LeaseTimeToLive found = api.Rooms.Leases.TimeToLive(new LeaseId(request.ID), request.Keys);
        if (found.Status == LeaseStatus.NotPrimary)
        {
            throw EtcdErrors.LeaderChanged.ToException();
        }

        var response = new LeaseTimeToLiveResponse
        {
            Header = ResponseHeader.Message(api.Status, api.Status.Revision),
            ID = request.ID,
            TTL = found.RemainingSeconds,
            GrantedTTL = found.GrantedSeconds,
        };
        response.Keys.AddRange(found.Keys.Select(key => ByteString.CopyFrom(key.Span)));
        return response;
    }

    /// <inheritdoc/>
    public override async Task<LeaseLeasesResponse> LeaseLeases(LeaseLeasesRequest request, ServerCallContext context)
    {
        await api.Reads.LinearizeAsync(context.CancellationToken).ConfigureAwait(false);
        var response = new LeaseLeasesResponse { Header = ResponseHeader.Message(api.Status, api.Status.Revision) };
        response.Leases.AddRange(api.Rooms.Leases.List().Select(id => new LeaseStatusMessage { ID = id.Value }));
        return response;
    }

    /// <summary>The TTL that runs again from now, or zero if the lease does not exist (any more).</summary>
    private async Task<long> RenewAsync(LeaseId id, CancellationToken cancellation)
    {
        await api.Reads.LinearizeAsync(cancellation).ConfigureAwait(false);
        LeaseRenewal renewal = api.Rooms.Leases.Renew(id);
        switch (renewal.Status)
        {
            case LeaseStatus.Ok:
                if (renewal.HasCheckpoint)
                {
                    // Or the next leader would begin with what was left before this renewal.
                    await api.Proposals.ProposeAsync(RaftCommand.Create(
                        RaftCommandKind.LeaseCheckpoint, LeaseCommands.Checkpoint([new LeaseRecord(id, renewal.TtlSeconds, 0)]))).ConfigureAwait(false);
                }

                return renewal.TtlSeconds;
            case LeaseStatus.NotFound:
                return 0;
            case LeaseStatus.ExpiredPending:
                await WaitForEndAsync(id, cancellation).ConfigureAwait(false);
                return 0;
            default:
                throw EtcdErrors.LeaderChanged.ToException();
        }
    }

    private async Task WaitForEndAsync(LeaseId id, CancellationToken cancellation)
    {
        var ended = new TaskCompletionSource<LeaseEnd>(TaskCreationOptions.RunContinuationsAsynchronously);
        using IDisposable waiting = api.Rooms.Leases.NotifyEnd(id, end => ended.TrySetResult(end));
        if (await ended.Task.WaitAsync(cancellation).ConfigureAwait(false) == LeaseEnd.Demoted)
        {
            throw EtcdErrors.LeaderChanged.ToException();
        }
    }
}
