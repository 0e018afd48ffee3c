using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Mvccpb;
using Etcd.Server.Api.Authentication;
using Etcd.Server.Api.Validation;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Requests;
using Etcd.Server.Auth;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Google.Protobuf;
using Grpc.Core;

namespace Etcd.Server.Api.Concurrency;

/// <summary>
/// The keys as a client of this member would use them, without a connection: same checks, same log, same linearizable reads. Any
/// thread; faults as the services do.
/// </summary>
/// <param name="api">The node.</param>
internal sealed class LocalKeys(ApiContext api)
{
    /// <summary>Time to live of a lease that is made because the client brings none, seconds (etcd: defaultSessionTTL).</summary>
    private const long LeaseSeconds = 60;

    /// <summary>The lease that a client brings; a new one if it brings none.</summary>
    /// <param name="lease">What the request says.</param>
    /// <param name="call">On whose behalf.</param>
    public async Task<LeaseId> LeaseOrNewAsync(long lease, ServerCallContext call)
    {
        if (lease != 0)
        {
            return new LeaseId(lease);
        }

        await api.Auth.RequireUserAsync(call).ConfigureAwait(false);
        LeaseId made = api.Ids.NextLease();
        byte[] grant = new LeaseGrantRequest { ID = made.Value, TTL = LeaseSeconds }.ToByteArray();
        await api.ProposeAsync(RaftCommand.Create(RaftCommandKind.LeaseGrant, grant, api.Auth.UserRoom), call).ConfigureAwait(false);
        return made;
    }

    /// <summary>Runs a transaction.</summary>
    /// <param name="request">The transaction; it may write.</param>
    /// <param name="call">On whose behalf.</param>
    public async Task<TxnResponse> TxnAsync(TxnRequest request, ServerCallContext call)
    {
        RaftCommand command = RaftCommand.Create(RaftCommandKind.Txn, request.ToByteArray(), api.Auth.UserRoom);
        if (RequestChecks.Txn(TxnRequestTree.Read(command.Payload), api.Options.MaxTxnOps) is { } error)
        {
            throw error.ToException();
        }

        ApplyOutcome outcome = await api.ProposeAsync(command, call).ConfigureAwait(false);
        TxnResponse response = TxnResponse.Parser.ParseFrom(outcome.Body.Span);
        response.Header = ResponseHeader.Message(api.Status, outcome.Revision);
        return response;
    }

    /// <summary>Deletes a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="call">On whose behalf.</param>
    public async Task<Protocol.Etcdserverpb.ResponseHeader> DeleteAsync(ByteString key, ServerCallContext call)
    {
        if (key.IsEmpty)
        {
            throw EtcdErrors.EmptyKey.ToException();
        }

        byte[] delete = new DeleteRangeRequest { Key = key }.ToByteArray();
        ApplyOutcome outcome = await api.ProposeAsync(
            RaftCommand.Create(RaftCommandKind.DeleteRange, delete, api.Auth.UserRoom), call).ConfigureAwait(false);
        return ResponseHeader.Message(api.Status, outcome.Revision);
    }

    /// <summary>Reads a key, linearizable.</summary>
    /// <param name="key">The key.</param>
    /// <param name="call">On whose behalf.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    public async Task<FoundKey> GetAsync(byte[] key, ServerCallContext call, CancellationToken cancellation)
    {
        AuthInfo who = await BeginReadAsync(call, cancellation).ConfigureAwait(false);
        return Read(who, new RangeQuery { Key = key });
    }

    /// <summary>Who is first in a line.</summary>
    /// <param name="line">The line.</param>
    /// <param name="call">On whose behalf.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    public async Task<FoundKey> FirstAsync(Line line, ServerCallContext call, CancellationToken cancellation)
    {
        AuthInfo who = await BeginReadAsync(call, cancellation).ConfigureAwait(false);
        return Read(who, new RangeQuery
        {
            Key = line.Prefix,
            RangeEnd = line.End,
            Limit = 1,
            SortTarget = RangeSortTarget.Create,
            SortOrder = RangeSortOrder.Ascend,
        });
    }

    /// <summary>The last one in a line that is there already at a revision.</summary>
    /// <param name="line">The line.</param>
    /// <param name="createRevisionMax">The revision; not zero, which would mean any.</param>
    /// <param name="call">On whose behalf.</param>
    /// <param name="cancellation">The caller no longer waits.</param>
    public async Task<FoundKey> LastAsync(Line line, long createRevisionMax, ServerCallContext call, CancellationToken cancellation)
    {
        AuthInfo who = await BeginReadAsync(call, cancellation).ConfigureAwait(false);
        return Read(who, new RangeQuery
        {
            Key = line.Prefix,
            RangeEnd = line.End,
            Limit = 1,
            SortTarget = RangeSortTarget.Create,
            SortOrder = RangeSortOrder.Descend,
            MaxCreateRevision = createRevisionMax,
        });
    }

    /// <summary>Waits until a key is deleted.</summary>
    /// <param name="key">The key, which exists at the revision.</param>
    /// <param name="revision">The revision.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>Completes when it was deleted, or when that can only be told by another look.</returns>
    public async Task WhenDeletedAsync(byte[] key, long revision, CancellationToken cancellation)
    {
        using KeyWatch watch = KeyWatch.OfKey(api.Rooms.Watches, key, revision + 1);
        while (await watch.NextAsync(cancellation).ConfigureAwait(false) is { } batch)
        {
            for (int i = 0; i < batch.EventCount; i++)
            {
                if (batch.EventAt(i).Type == StoreEventType.Delete)
                {
                    return;
                }
            }
        }
    }

    /// <summary>Whoever waits in a line outlives a change of the leader: the next question finds the new one, or waits for it.</summary>
    private async ValueTask LinearizeAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await api.Reads.LinearizeAsync(cancellation).ConfigureAwait(false);
                return;
            }
            catch (EtcdErrorException e) when (e.Error == EtcdErrors.LeaderChanged)
            {
                cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    private async ValueTask<AuthInfo> BeginReadAsync(ServerCallContext call, CancellationToken cancellation)
    {
        await LinearizeAsync(cancellation).ConfigureAwait(false);
        return await api.Auth.IdentifyOrNobodyAsync(call).ConfigureAwait(false);
    }

    private FoundKey Read(AuthInfo who, in RangeQuery query)
    {
        var result = new RangeResult();
        AuthSnapshot rights = api.Auth.Current;
        EtcdError? error = rights.CheckKeys(who, KeyAccess.Read, query.Key, query.RangeEnd)
            ?? api.Reads.Store.Range(query, result).ToError()
            ?? (api.Auth.IsEnabled ? api.Auth.Recheck(rights, who) : null);
        if (error is not null)
        {
            throw error.ToException();
        }

        KeyValue? found = result.Kvs.Length > 0 ? KeyValue.Parser.ParseFrom(result.Kvs[0].Span) : null;
        return new FoundKey(ResponseHeader.Message(api.Status, result.Revision), found);
    }
}

/// <summary>The answer to a read of one key.</summary>
/// <param name="Header">The state that was read.</param>
/// <param name="Kv">The key; null if there is none.</param>
internal readonly record struct FoundKey(Protocol.Etcdserverpb.ResponseHeader Header, KeyValue? Kv);
