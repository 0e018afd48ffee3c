using Etcd.Protocol.Errors;
using Etcd.Protocol.V3Lockpb;
using Etcd.Server.Primitives;
using Google.Protobuf;
using Grpc.Core;

namespace Etcd.Server.Api.Concurrency;

/// <summary>
/// v3lockpb.Lock: a lock is held by whoever's key is first in the lock's line. It is lost with the lease, which its client must keep
/// alive; a call that is given up leaves no key behind.
/// </summary>
/// <param name="api">The node.</param>
internal sealed class LockService(ApiContext api) : Protocol.V3Lockpb.Lock.LockBase
{
    private readonly LocalKeys _keys = new(api);

    /// <inheritdoc/>
    public override Task<LockResponse> Lock(LockRequest request, ServerCallContext context) =>
        ConcurrencyErrors.Run(() => LockAsync(request, context));

    /// <inheritdoc/>
    public override Task<UnlockResponse> Unlock(UnlockRequest request, ServerCallContext context) => ConcurrencyErrors.Run(async () =>
        new UnlockResponse { Header = await _keys.DeleteAsync(request.Key, context).ConfigureAwait(false) });

    private async Task<LockResponse> LockAsync(LockRequest request, ServerCallContext context)
    {
        LeaseId lease = await _keys.LeaseOrNewAsync(request.Lease, context).ConfigureAwait(false);
        var candidacy = new Candidacy(_keys, new Line(request.Name.Span), lease, context);
        Protocol.Etcdserverpb.ResponseHeader header = await candidacy.EnterAsync(ByteString.Empty).ConfigureAwait(false);
        // What an earlier call has won is not given up with this one.
        if (!candidacy.IsFirst || (candidacy.IsNew && context.CancellationToken.IsCancellationRequested))
        {
            header = await WaitAsync(candidacy, context.CancellationToken).ConfigureAwait(false);
        }

        return new LockResponse { Header = header, Key = candidacy.Key };
    }

    private async Task<Protocol.Etcdserverpb.ResponseHeader> WaitAsync(Candidacy candidacy, CancellationToken cancellation)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation, api.Stopping);
        try
        {
            FoundKey own = await candidacy.WhenFirstAsync(ended.Token).ConfigureAwait(false);
            return own.Kv is null ? throw ConcurrencyErrors.SessionExpired() : own.Header;
        }
        catch (Exception e) when (e is OperationCanceledException or EtcdErrorException)
        {
            if (api.Stopping.IsCancellationRequested)
            {
                // Its client asks another member, where the key is still in its place.
                throw EtcdErrors.Stopped.ToException();
            }

            await candidacy.LeaveAsync().ConfigureAwait(false);
            throw;
        }
    }
}
