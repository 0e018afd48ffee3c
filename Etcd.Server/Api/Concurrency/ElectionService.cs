using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Mvccpb;
using Etcd.Protocol.V3Electionpb;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Google.Protobuf;
using Grpc.Core;

namespace Etcd.Server.Api.Concurrency;

/// <summary>
/// v3electionpb.Election: who is first in the election's line leads, and the value of its key is what it announces. A leadership
/// is proved by the key and its create revision, and lost with the lease.
/// </summary>
/// <param name="api">The node.</param>
internal sealed class ElectionService(ApiContext api) : Election.ElectionBase
{
    private readonly LocalKeys _keys = new(api);

    /// <inheritdoc/>
    public override Task<CampaignResponse> Campaign(CampaignRequest request, ServerCallContext context) =>
        ConcurrencyErrors.Run(() => CampaignAsync(request, context));

    /// <inheritdoc/>
    public override Task<ProclaimResponse> Proclaim(ProclaimRequest request, ServerCallContext context) =>
        request.Leader is { } leader
            ? ConcurrencyErrors.Run(async () => new ProclaimResponse
            {
                Header = await ProclaimAsync(
                    leader.Key,
                    leader.Rev,
                    await _keys.LeaseOrNewAsync(leader.Lease, context).ConfigureAwait(false),
                    request.Value,
                    context).ConfigureAwait(false),
            })
            : throw ConcurrencyErrors.MissingLeader();

    /// <inheritdoc/>
    public override Task<LeaderResponse> Leader(LeaderRequest request, ServerCallContext context) => ConcurrencyErrors.Run(async () =>
    {
        FoundKey first = await _keys.FirstAsync(new Line(request.Name.Span), context, context.CancellationToken).ConfigureAwait(false);
        return first.Kv is { } kv ? new LeaderResponse { Header = first.Header, Kv = kv } : throw ConcurrencyErrors.NoLeader();
    });

    /// <inheritdoc/>
    public override Task<ResignResponse> Resign(ResignRequest request, ServerCallContext context) =>
        request.Leader is { } leader ? ConcurrencyErrors.Run(() => ResignAsync(leader, context)) : throw ConcurrencyErrors.MissingLeader();

    /// <inheritdoc/>
    public override async Task Observe(LeaderRequest request, IServerStreamWriter<LeaderResponse> responseStream, ServerCallContext context)
    {
        CancellationToken leaderLost = context.LeaderLost(api.Status);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, api.Stopping, leaderLost);
        try
        {
            await ConcurrencyErrors.Run(() => ObserveAsync(new Line(request.Name.Span), responseStream, context, ended.Token)).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw api.WhyEnded(EtcdErrors.Canceled, leaderLost).ToException();
        }
    }

    private async Task<CampaignResponse> CampaignAsync(CampaignRequest request, ServerCallContext context)
    {
        LeaseId lease = await _keys.LeaseOrNewAsync(request.Lease, context).ConfigureAwait(false);
        var candidacy = new Candidacy(_keys, new Line(request.Name.Span), lease, context);
        Protocol.Etcdserverpb.ResponseHeader header = await candidacy.EnterAsync(request.Value).ConfigureAwait(false);
        if (candidacy.ValueBefore is { } before && before != request.Value)
        {
            await ChangeValueAsync(candidacy, lease, request.Value, context).ConfigureAwait(false);
        }

        // What an earlier call has won is not given up with this one.
        if (!candidacy.IsFirst || (candidacy.IsNew && context.CancellationToken.IsCancellationRequested))
        {
            await WaitAsync(candidacy, context.CancellationToken).ConfigureAwait(false);
        }

        return new CampaignResponse
        {
            // That of the entry into the line, however long the wait was: etcd's.
            Header = header,
            Leader = new LeaderKey { Name = request.Name, Key = candidacy.Key, Rev = candidacy.CreateRevision, Lease = lease.Value },
        };
    }

    private async Task ChangeValueAsync(Candidacy candidacy, LeaseId lease, ByteString value, ServerCallContext context)
    {
        try
        {
            await ProclaimAsync(candidacy.Key, candidacy.CreateRevision, lease, value, context).ConfigureAwait(false);
        }
        catch (RpcException)
        {
            await candidacy.LeaveAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task WaitAsync(Candidacy candidacy, CancellationToken cancellation)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation, api.Stopping);
        try
        {
            if ((await candidacy.WhenFirstAsync(ended.Token).ConfigureAwait(false)).Kv is null)
            {
                // etcd says that it leads; but its lease has ended, and somebody else leads.
                throw ConcurrencyErrors.NotLeader();
            }
        }
        catch (OperationCanceledException)
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

    private async Task<Protocol.Etcdserverpb.ResponseHeader> ProclaimAsync(
        ByteString key, long createRevision, LeaseId lease, ByteString value, ServerCallContext context)
    {
        var request = new TxnRequest { Compare = { Compares.CreatedAt(key, createRevision) } };
        request.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = key, Value = value, Lease = lease.Value } });
        TxnResponse response = await _keys.TxnAsync(request, context).ConfigureAwait(false);
        return response.Succeeded ? response.Header : throw ConcurrencyErrors.NotLeader();
    }

    private async Task<ResignResponse> ResignAsync(LeaderKey leader, ServerCallContext context)
    {
        var request = new TxnRequest { Compare = { Compares.CreatedAt(leader.Key, leader.Rev) } };
        request.Success.Add(new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = leader.Key } });
        // Whoever does not lead has nothing to give up, and is told no error.
        return new ResignResponse { Header = (await _keys.TxnAsync(request, context).ConfigureAwait(false)).Header };
    }

    private async Task<bool> ObserveAsync(
        Line line, IServerStreamWriter<LeaderResponse> responses, ServerCallContext context, CancellationToken cancellation)
    {
        while (true)
        {
            FoundKey leader = await _keys.FirstAsync(line, context, cancellation).ConfigureAwait(false);
            if (leader.Kv is null)
            {
                leader = await WhenElectedAsync(line, leader.Header, cancellation).ConfigureAwait(false);
            }

            if (leader.Kv is not null)
            {
                await responses.WriteAsync(new LeaderResponse { Header = leader.Header, Kv = leader.Kv }, cancellation).ConfigureAwait(false);
                await FollowAsync(leader.Kv.Key.ToByteArray(), leader.Header, responses, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Waits for the first key of an empty line; nothing if that can only be told by another look.</summary>
    private async Task<FoundKey> WhenElectedAsync(Line line, Protocol.Etcdserverpb.ResponseHeader seen, CancellationToken cancellation)
    {
        using KeyWatch watch = KeyWatch.OfLine(api.Rooms.Watches, line, seen.Revision + 1);
        while (await watch.NextAsync(cancellation).ConfigureAwait(false) is { } batch)
        {
            for (int i = 0; i < batch.EventCount; i++)
            {
                StoreEvent e = batch.EventAt(i);
                if (e.Type == StoreEventType.Put)
                {
                    return new FoundKey(ResponseHeader.Message(api.Status, e.Revision.Main), KeyValue.Parser.ParseFrom(e.KeyValue.Span));
                }
            }
        }

        return default;
    }

    /// <summary>Tells what a leader announces, until its key is deleted.</summary>
    private async Task FollowAsync(
        byte[] key, Protocol.Etcdserverpb.ResponseHeader seen, IServerStreamWriter<LeaderResponse> responses, CancellationToken cancellation)
    {
        using KeyWatch watch = KeyWatch.OfKey(api.Rooms.Watches, key, seen.Revision + 1);
        while (await watch.NextAsync(cancellation).ConfigureAwait(false) is { } batch)
        {
            for (int i = 0; i < batch.EventCount; i++)
            {
                StoreEvent e = batch.EventAt(i);
                if (e.Type == StoreEventType.Delete)
                {
                    return;
                }

                var response = new LeaderResponse
                {
                    Header = ResponseHeader.Message(api.Status, batch.Revision),
                    Kv = KeyValue.Parser.ParseFrom(e.KeyValue.Span),
                };
                await responses.WriteAsync(response, cancellation).ConfigureAwait(false);
            }
        }
    }
}
