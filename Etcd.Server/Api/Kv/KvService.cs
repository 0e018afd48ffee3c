using System.Diagnostics;
using Etcd.Protocol.Errors;
using Etcd.Protocol.Wire;
using Etcd.Server.Api.Authentication;
using Etcd.Server.Api.Validation;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Permissions;
using Etcd.Server.Apply.Requests;
using Etcd.Server.Apply.Txn;
using Etcd.Server.Auth;
using Etcd.Server.Node;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;
using Grpc.Core;

namespace Etcd.Server.Api.Kv;

/// <summary>
/// etcdserverpb.KV on the requests' own bytes: they are checked here, travel as they are into the log, and answers are
/// written from the store's records. Checks come before anything else, in etcd's order, that of the quota first, and change
/// nothing (but that a full store raises its alarm). A request that is
/// no protobuf message is a <see cref="ProtoFormatException"/> thrown at once, not by the task.
/// </summary>
/// <param name="api">The node.</param>
internal sealed class KvService(ApiContext api)
{
    /// <summary>Reads a range.</summary>
    public Task<RangeExchange> Range(RangeExchange exchange, ServerCallContext context)
    {
        long began = Stopwatch.GetTimestamp();
        RangeQuery query = RangeRequestReader.Read(exchange.Request);
        EtcdError? error = !query.Serializable && api.Status.IsLearner ? EtcdErrors.NotSupportedForLearner : RequestChecks.Range(query);
        if (error is not null)
        {
            return Task.FromException<RangeExchange>(error.ToException());
        }

        if (query.Serializable)
        {
            return Read(exchange, query, context, began, began);
        }

        ValueTask linearized = api.Reads.LinearizeAsync(context.CancellationToken);
        return linearized.IsCompletedSuccessfully
            ? Read(exchange, query, context, began, began)
            : ReadAfterAsync(linearized, exchange, context, began);
    }

    /// <summary>Puts a key.</summary>
    public Task<ApplyOutcome> Put(RaftCommand command, ServerCallContext context)
    {
        var put = new PutRequestView(command.Payload.Span);
        return api.Alarms.HasRoomFor(put) ? Propose(command, RequestChecks.Put(put), context) : api.Alarms.RefuseAsync();
    }

    /// <summary>Deletes a key or a range.</summary>
    public Task<ApplyOutcome> DeleteRange(RaftCommand command, ServerCallContext context) =>
        Propose(command, RequestChecks.DeleteRange(new DeleteRangeRequestView(command.Payload.Span)), context);

    /// <summary>Runs a transaction: through the log if it may write, else as a read.</summary>
    public Task<ApplyOutcome> Txn(RaftCommand command, ServerCallContext context)
    {
        TxnRequestTree txn = TxnRequestTree.Read(command.Payload);
        if (!api.Alarms.HasRoomFor(txn, command.Payload.Length))
        {
            return api.Alarms.RefuseAsync();
        }

        if (RequestChecks.Txn(txn, api.Options.MaxTxnOps) is { } error)
        {
            return Task.FromException<ApplyOutcome>(error.ToException());
        }

        return txn.IsReadOnly ? ReadOnlyAsync(txn, context) : api.ProposeAsync(command, context);
    }

    /// <summary>Compacts the history; a physical compaction is answered when its work is done.</summary>
    public Task<ApplyOutcome> Compact(RaftCommand command, ServerCallContext context)
    {
        (long revision, bool physical) = ReadCompaction(command.Payload.Span);
        Task<ApplyOutcome> compacted = api.Auth.IsEnabled ? CompactAsRootAsync(command, context) : api.Proposals.ProposeAsync(command);
        return physical ? AfterItsWorkAsync(compacted, revision, context.CancellationToken) : compacted;
    }

    private static (long Revision, bool Physical) ReadCompaction(ReadOnlySpan<byte> message)
    {
        long revision = 0;
        bool physical = false;
        var reader = new ProtoReader(message);
        for (uint tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            switch (tag)
            {
                case 1 << 3:
                    revision = reader.ReadInt64();
                    break;
                case 2 << 3:
                    physical = reader.ReadBool();
                    break;
                default:
                    reader.Skip(tag);
                    break;
            }
        }

        return (revision, physical);
    }

    private Task<ApplyOutcome> Propose(RaftCommand command, EtcdError? error, ServerCallContext context) => error is null
        ? api.ProposeAsync(command, context)
        : Task.FromException<ApplyOutcome>(error.ToException());

    private async Task<ApplyOutcome> CompactAsRootAsync(RaftCommand command, ServerCallContext context)
    {
        await api.Auth.RequireAdminAsync(context).ConfigureAwait(false);
        return await api.ProposeAsync(command, context).ConfigureAwait(false);
    }

    private Task<RangeExchange> Read(RangeExchange exchange, in RangeQuery query, ServerCallContext context, long began, long readBegan)
    {
        EtcdError? error = api.Auth.IsEnabled ? null : ReadStore(query, exchange.Result);
        // A second look: what was written since authentication was turned on is not for everybody.
        if (api.Auth.IsEnabled)
        {
            return ReadAsUserAsync(exchange, context, began, readBegan);
        }

        api.Figures.CountRange(began, readBegan, error is null);
        return error is null ? Task.FromResult(exchange) : Task.FromException<RangeExchange>(error.ToException());
    }

    private async Task<RangeExchange> ReadAsUserAsync(RangeExchange exchange, ServerCallContext context, long began, long readBegan)
    {
        AuthInfo who = await api.Auth.IdentifyOrNobodyAsync(context).ConfigureAwait(false);
        EtcdError? error = ReadAs(who, exchange);
        api.Figures.CountRange(began, readBegan, error is null);
        return error is null ? exchange : throw error.ToException();
    }

    private EtcdError? ReadAs(AuthInfo who, RangeExchange exchange)
    {
        RangeQuery query = RangeRequestReader.Read(exchange.Request);
        AuthSnapshot rights = api.Auth.Current;
        return rights.CheckKeys(who, KeyAccess.Read, query.Key, query.RangeEnd)
            ?? ReadStore(query, exchange.Result)
            ?? api.Auth.Recheck(rights, who);
    }

    private async Task<ApplyOutcome> ReadOnlyAsync(TxnRequestTree txn, ServerCallContext context)
    {
        long began = Stopwatch.GetTimestamp();
        if (!txn.IsSerializable)
        {
            await api.Reads.LinearizeAsync(context.CancellationToken).ConfigureAwait(false);
        }

        long readBegan = Stopwatch.GetTimestamp();
        bool asUser = api.Auth.IsEnabled;
        ApplyOutcome? outcome = asUser ? null : ReadStore(txn);
        EtcdError? error = outcome?.Error;
        if (asUser || api.Auth.IsEnabled)
        {
            AuthInfo who = await api.Auth.IdentifyOrNobodyAsync(context).ConfigureAwait(false);
            error = ReadOnlyAs(who, txn, out outcome);
        }

        api.Figures.CountReadOnlyTxn(began, readBegan, error is null);
        return error is null ? outcome! : throw error.ToException();
    }

    private EtcdError? ReadOnlyAs(AuthInfo who, TxnRequestTree txn, out ApplyOutcome? outcome)
    {
        outcome = null;
        AuthSnapshot rights = api.Auth.Current;
        if (RequestPermissions.Txn(rights, who, api.Rooms.Leases, txn) is { } refusal)
        {
            return refusal;
        }

        outcome = ReadStore(txn);
        return outcome.Error ?? api.Auth.Recheck(rights, who);
    }

    private EtcdError? ReadStore(in RangeQuery query, RangeResult result)
    {
        try
        {
            return api.Reads.Store.Range(query, result).ToError();
        }
        catch (StoreException)
        {
            return EtcdErrors.Corrupt;
        }
    }

    private ApplyOutcome ReadStore(TxnRequestTree txn)
    {
        try
        {
            return ReadOnlyTxn.Run(api.Reads.Store, txn, api.Figures.Store);
        }
        catch (StoreException)
        {
            return new ApplyOutcome(EtcdErrors.Corrupt, api.Status.Revision);
        }
    }

    private async Task<ApplyOutcome> AfterItsWorkAsync(Task<ApplyOutcome> compacted, long revision, CancellationToken cancellation)
    {
        ApplyOutcome? outcome = null;
        try
        {
            outcome = await compacted.ConfigureAwait(false);
        }
        catch (EtcdErrorException e) when (e.Error == EtcdErrors.Compacted)
        {
            // As in etcd: who asked for it first may not have been answered yet either.
        }

        await api.Reads.WhenCompactedAsync(revision).WaitAsync(cancellation).ConfigureAwait(false);
        return outcome ?? throw EtcdErrors.Compacted.ToException();
    }

    private async Task<RangeExchange> ReadAfterAsync(ValueTask linearized, RangeExchange exchange, ServerCallContext context, long began)
    {
        await linearized.ConfigureAwait(false);
        return await Read(exchange, RangeRequestReader.Read(exchange.Request), context, began, Stopwatch.GetTimestamp()).ConfigureAwait(false);
    }
}
