using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Api.Authentication;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Permissions;
using Etcd.Server.Auth;
using Etcd.Server.Lease;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Google.Protobuf;
using Grpc.Core;
using LeaseStatusMessage = Etcd.Protocol.Etcdserverpb.LeaseStatus;

namespace Etcd.Server.Api.Leases;

/// <summary>etcdserverpb.Lease: grants and revokes go through the log; renewals and questions go to whoever keeps the time.</summary>
/// <param name="api">The node.</param>
internal sealed class LeaseService(ApiContext api) : Protocol.Etcdserverpb.Lease.LeaseBase
{
    /// <inheritdoc/>
    public override async Task<LeaseGrantResponse> LeaseGrant(LeaseGrantRequest request, ServerCallContext context)
    {
        if (!api.Alarms.HasRoomForLease)
        {
            await api.Alarms.RefuseAsync().ConfigureAwait(false);
        }

        if (request.ID == 0)
        {
            // Chosen before it is proposed: every member must apply the same.
            request.ID = api.Ids.NextLease().Value;
        }

        await api.Auth.RequireUserAsync(context).ConfigureAwait(false);
        ApplyOutcome outcome = await api.ProposeAsync(
            RaftCommand.Create(RaftCommandKind.LeaseGrant, request.ToByteArray(), api.Auth.UserRoom), context).ConfigureAwait(false);
        LeaseGrantResponse response = LeaseGrantResponse.Parser.ParseFrom(outcome.Body.Span);
        response.Header = ResponseHeader.Message(api.Status, outcome.Revision);
        return response;
    }

    /// <inheritdoc/>
    public override async Task<LeaseRevokeResponse> LeaseRevoke(LeaseRevokeRequest request, ServerCallContext context)
    {
        await api.Auth.RequireUserAsync(context).ConfigureAwait(false);
        ApplyOutcome outcome = await api.ProposeAsync(
            RaftCommand.Create(RaftCommandKind.LeaseRevoke, request.ToByteArray(), api.Auth.UserRoom), context).ConfigureAwait(false);
        return new LeaseRevokeResponse { Header = ResponseHeader.Message(api.Status, outcome.Revision) };
    }

    /// <inheritdoc/>
    public override async Task LeaseKeepAlive(
        IAsyncStreamReader<LeaseKeepAliveRequest> requestStream,
        IServerStreamWriter<LeaseKeepAliveResponse> responseStream,
        ServerCallContext context)
    {
        CancellationToken leaderLost = context.LeaderLost(api.Status);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, api.Stopping, leaderLost);
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
                Func<ValueTask>? check = api.Auth.IsEnabled ? () => CheckAsync(KeyAccess.Write, [id], context) : null;
                response.TTL = await api.LeaseTime.RenewAsync(id, check, ended.Token).ConfigureAwait(false);
                await responseStream.WriteAsync(response, ended.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or EtcdErrorException && ended.IsCancellationRequested)
        {
            throw api.WhyEnded(EtcdErrors.Canceled, leaderLost).ToException();
        }
        catch (Exception e) when (CountBreak(context, e))
        {
            throw;
        }
    }

    /// <summary>Counts a stream that broke although its client is there; says no, so that the exception goes on.</summary>
    private bool CountBreak(ServerCallContext context, Exception e)
    {
        if (!context.CancellationToken.IsCancellationRequested && e is not EtcdErrorException)
        {
            api.Figures.Grpc.CountStreamFailure(e is RpcException ? "receive" : "send", "lease-keepalive");
        }

        return false;
    }

    /// <inheritdoc/>
    public override async Task<LeaseTimeToLiveResponse> LeaseTimeToLive(LeaseTimeToLiveRequest request, ServerCallContext context)
    {
        AuthSnapshot rights = api.Auth.Current;
        if (rights.IsEnabled)
        {
            await CheckAsync(KeyAccess.Read, request.Keys ? [new LeaseId(request.ID)] : [], context).ConfigureAwait(false);
        }

        LeaseTimeToLive found = await api.LeaseTime.TimeToLiveAsync(
            new LeaseId(request.ID), request.Keys, context.CancellationToken).ConfigureAwait(false);
        if (request.Keys && api.Auth.IsEnabled)
        {
            // The leader may know of keys that this member did not when it checked.
            AuthInfo who = await api.Auth.IdentifyOrNobodyAsync(context).ConfigureAwait(false);
            Throw(api.Auth.Current.CheckEach(who, KeyAccess.Read, found.Keys));
            Recheck(rights);
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
        IReadOnlyList<LeaseId> leases = api.Rooms.Leases.List();
        AuthSnapshot rights = api.Auth.Current;
        if (rights.IsEnabled)
        {
            await CheckAsync(KeyAccess.Read, leases, context).ConfigureAwait(false);
            Recheck(rights);
        }

        var response = new LeaseLeasesResponse { Header = ResponseHeader.Message(api.Status, api.Status.Revision) };
        response.Leases.AddRange(leases.Select(id => new LeaseStatusMessage { ID = id.Value }));
        return response;
    }

    /// <summary>Refuses a call of nobody, and of a user who may not do that with all keys of the leases.</summary>
    private async ValueTask CheckAsync(KeyAccess access, IReadOnlyList<LeaseId> leases, ServerCallContext context)
    {
        AuthInfo? who = await api.Auth.IdentifyAsync(context).ConfigureAwait(false);
        AuthSnapshot rights = api.Auth.Current;
        if (!rights.IsEnabled)
        {
            return;
        }

        Throw(who is null ? EtcdErrors.UserEmpty : null);
        foreach (LeaseId lease in leases)
        {
            Throw(RequestPermissions.LeaseKeys(rights, who!.Value, api.Rooms.Leases, lease, access));
        }
    }

    private void Recheck(AuthSnapshot rights) => Throw(api.Auth.Recheck(rights, AuthInfo.Nobody));

    private static void Throw(EtcdError? refusal)
    {
        if (refusal is not null)
        {
            throw refusal.ToException();
        }
    }
}
