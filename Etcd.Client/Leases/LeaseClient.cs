using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Grpc.Core;

namespace Etcd.Client;

/// <summary>Leases, which know no namespaces; their keys do.</summary>
internal sealed class LeaseClient(EtcdConnection connection, EtcdKey prefix, IEtcdClient client) : IEtcdLeases
{
    private readonly Caller _caller = connection.Caller;

    public async ValueTask<EtcdLeaseGrant> GrantAsync(TimeSpan timeToLive, EtcdGrantOptions? options, CancellationToken cancellationToken)
    {
        EtcdLeaseId id = options?.Id ?? default;
        var request = new LeaseGrantRequest { TTL = Seconds(timeToLive), ID = id.Value };
        var rpc = id.IsNone ? Methods.LeaseGrant : Methods.LeaseGrantWithId;
        LeaseGrantResponse response = await _caller.CallAsync(rpc, request, options, cancellationToken).ConfigureAwait(false);
        return new EtcdLeaseGrant(new EtcdLeaseId(response.ID), TimeSpan.FromSeconds(response.TTL));
    }

    public async ValueTask RevokeAsync(EtcdLeaseId lease, EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        var state = new RevokeState(new LeaseRevokeRequest { ID = lease.Value }, _caller.DeadlineOf(options));
        await _caller.RunAsync(state, RequireLeader(options), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<EtcdLeaseInfo?> TimeToLiveAsync(EtcdLeaseId lease, bool keys, EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        var request = new LeaseTimeToLiveRequest { ID = lease.Value, Keys = keys };
        LeaseTimeToLiveResponse response;
        try
        {
            response = await _caller.CallAsync(Methods.LeaseTimeToLive, request, options, cancellationToken).ConfigureAwait(false);
        }
        catch (EtcdLeaseNotFoundException)
        {
            return null;
        }

        // etcd tells of a lease that it does not have as one with -1 seconds left.
        return response.TTL < 0 ? null : new EtcdLeaseInfo(
            lease, TimeSpan.FromSeconds(response.TTL), TimeSpan.FromSeconds(response.GrantedTTL), Keys(response));
    }

    public async ValueTask<IReadOnlyList<EtcdLeaseId>> ListAsync(EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        LeaseLeasesResponse response = await _caller.CallAsync(
            Methods.LeaseLeases, new LeaseLeasesRequest(), options, cancellationToken).ConfigureAwait(false);
        return [.. response.Leases.Select(lease => new EtcdLeaseId(lease.ID))];
    }

    public async ValueTask<TimeSpan> KeepAliveOnceAsync(EtcdLeaseId lease, EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        var state = new KeepAliveOnceState(lease, _caller.DeadlineOf(options));
        LeaseKeepAliveResponse response = await _caller.RunAsync(
            state, options?.RequireLeader ?? true, cancellationToken).ConfigureAwait(false);
        return response.TTL > 0
            ? TimeSpan.FromSeconds(response.TTL)
            : throw ErrorMapper.FromTable(EtcdErrors.LeaseNotFound, null, state.LastEndpoint?.Address.Text, changes: false);
    }

    public async ValueTask<EtcdLeaseKeeper> KeepAliveAsync(EtcdLeaseId lease, CancellationToken cancellationToken)
    {
        long sentAt = connection.Leases.Now;
        TimeSpan timeToLive = await KeepAliveOnceAsync(lease, null, cancellationToken).ConfigureAwait(false);
        return connection.Leases.Add(lease, sentAt, timeToLive);
    }

    public async ValueTask<EtcdSession> CreateSessionAsync(TimeSpan timeToLive, CancellationToken cancellationToken)
    {
        long sentAt = connection.Leases.Now;
        EtcdLeaseGrant grant = await GrantAsync(timeToLive, null, cancellationToken).ConfigureAwait(false);
        return NewSession(connection.Leases.Add(grant.Id, sentAt, grant.TimeToLive));
    }

    public async ValueTask<EtcdSession> ResumeSessionAsync(EtcdLeaseId lease, CancellationToken cancellationToken) =>
        NewSession(await KeepAliveAsync(lease, cancellationToken).ConfigureAwait(false));

    private EtcdSession NewSession(EtcdLeaseKeeper keeper) => new(connection, this, keeper, client, prefix);

    private static long Seconds(TimeSpan timeToLive)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeToLive, TimeSpan.Zero);
        return (long)Math.Ceiling(timeToLive.TotalSeconds);
    }

    private bool RequireLeader(EtcdCallOptions? options) => options?.RequireLeader ?? connection.Options.RequireLeader;

    private EtcdKey[] Keys(LeaseTimeToLiveResponse response) =>
    [
        .. response.Keys.Select(key => new EtcdKey(key.Memory)).Where(key => key.StartsWith(prefix))
            .Select(key => new EtcdKey(key.Memory[prefix.Length..])),
    ];

    /// <summary>
    /// May be repeated: a repetition that finds no lease has its first attempt to thank, unless there was none from the beginning.
    /// </summary>
    private sealed class RevokeState(LeaseRevokeRequest request, DateTime deadline)
        : CallState<LeaseRevokeResponse>(Methods.LeaseRevoke.Operation, repeatable: true, deadline)
    {
        public override async Task<LeaseRevokeResponse> SendAsync(CallInvoker invoker, CallOptions options)
        {
            try
            {
                return await invoker.AsyncUnaryCall(Methods.LeaseRevoke.Method, null, options, request).ResponseAsync.ConfigureAwait(false);
            }
            catch (RpcException e) when (MayHaveBeenRevoked && e.Status.Detail == EtcdErrors.LeaseNotFound.Text)
            {
                return new LeaseRevokeResponse();
            }
        }

        private bool MayHaveBeenRevoked => LastFailure is { Advice: RetryAdvice.IfRepeatable };
    }

    private sealed class KeepAliveOnceState(EtcdLeaseId lease, DateTime deadline)
        : CallState<LeaseKeepAliveResponse>("lease_keep_alive", repeatable: true, deadline)
    {
        public override async Task<LeaseKeepAliveResponse> SendAsync(CallInvoker invoker, CallOptions options)
        {
            using AsyncDuplexStreamingCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> call =
                invoker.AsyncDuplexStreamingCall(Methods.LeaseKeepAlive, null, options);
            await call.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = lease.Value }).ConfigureAwait(false);
            if (!await call.ResponseStream.MoveNext(CancellationToken.None).ConfigureAwait(false))
                throw new RpcException(new Status(StatusCode.Unavailable, "The stream ended before an answer came."));
            return call.ResponseStream.Current;
        }
    }
}
