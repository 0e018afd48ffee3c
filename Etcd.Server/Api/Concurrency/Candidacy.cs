using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Mvccpb;
using Etcd.Server.Primitives;
using Google.Protobuf;
using Grpc.Core;

namespace Etcd.Server.Api.Concurrency;

/// <summary>
/// One key in a <see cref="Line"/> and its way to the front. The order of create revisions is the order of the line, and each waits for
/// the one before it only, so that a lock that is given back wakes one client and not all. Clients that do the same by themselves
/// (etcdctl lock, clientv3's concurrency) and these stand in the same line.
/// </summary>
/// <param name="keys">The keys.</param>
/// <param name="line">The line.</param>
/// <param name="lease">The lease on which the key hangs.</param>
/// <param name="call">On whose behalf.</param>
internal sealed class Candidacy(LocalKeys keys, Line line, LeaseId lease, ServerCallContext call)
{
    /// <summary>The key.</summary>
    public ByteString Key { get; } = ByteString.CopyFrom(line.KeyOf(lease));

    /// <summary>Its create revision; known once it stands in line.</summary>
    public long CreateRevision { get; private set; }

    /// <summary>The value that it had before, if it stood in line already; null if it is new.</summary>
    public ByteString? ValueBefore { get; private set; }

    /// <summary>Whether it is new, and not the place that an earlier call of the same lease has.</summary>
    public bool IsNew { get; private set; }

    /// <summary>Whether it was first when it was put in line.</summary>
    public bool IsFirst { get; private set; }

    /// <summary>Puts the key in line, or finds it there: the same lease has one place.</summary>
    /// <param name="value">Its value if it is new.</param>
    /// <returns>The state afterwards.</returns>
    public async Task<Protocol.Etcdserverpb.ResponseHeader> EnterAsync(ByteString value)
    {
        var first = new RequestOp
        {
            RequestRange = new RangeRequest
            {
                Key = ByteString.CopyFrom(line.Prefix),
                RangeEnd = ByteString.CopyFrom(line.End),
                SortTarget = RangeRequest.Types.SortTarget.Create,
                SortOrder = RangeRequest.Types.SortOrder.Ascend,
                Limit = 1,
            },
        };
        var request = new TxnRequest { Compare = { Compares.CreatedAt(Key, 0) } };
        request.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = Key, Value = value, Lease = lease.Value } });
        request.Success.Add(first);
        request.Failure.Add(new RequestOp { RequestRange = new RangeRequest { Key = Key } });
        request.Failure.Add(first);
        TxnResponse response = await keys.TxnAsync(request, call).ConfigureAwait(false);
        CreateRevision = response.Header.Revision;
        IsNew = response.Succeeded;
        if (!response.Succeeded)
        {
            KeyValue own = response.Responses[0].ResponseRange.Kvs[0];
            CreateRevision = own.CreateRevision;
            ValueBefore = own.Value;
        }

        IsFirst = response.Responses[1].ResponseRange.Kvs is [var owner] && owner.CreateRevision == CreateRevision;
        return response.Header;
    }

    /// <summary>Waits until everyone before it is gone.</summary>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>What it is then: its key is gone if its lease ended meanwhile.</returns>
    public async Task<FoundKey> WhenFirstAsync(CancellationToken cancellation)
    {
        // Reads that need not wait do not look whether anybody still waits for them.
        cancellation.ThrowIfCancellationRequested();
        while (CreateRevision > 1)
        {
            FoundKey before = await keys.LastAsync(line, CreateRevision - 1, call, cancellation).ConfigureAwait(false);
            if (before.Kv is null)
            {
                break;
            }

            await keys.WhenDeletedAsync(before.Kv.Key.ToByteArray(), before.Header.Revision, cancellation).ConfigureAwait(false);
        }

        FoundKey own = await keys.GetAsync(Key.ToByteArray(), call, cancellation).ConfigureAwait(false);
        // The same lease may have left and come again: that one is behind whoever came in between.
        return own.Kv?.CreateRevision == CreateRevision ? own : own with { Kv = null };
    }

    /// <summary>
    /// Leaves the line because its client has gone, so that it holds up nobody. If that fails the lease's end will do it. It must
    /// not be the client's cancellation that ends this.
    /// </summary>
    public async Task LeaveAsync()
    {
        try
        {
            var request = new TxnRequest { Compare = { Compares.CreatedAt(Key, CreateRevision) } };
            request.Success.Add(new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = Key } });
            await keys.TxnAsync(request, call).ConfigureAwait(false);
        }
        catch (EtcdErrorException)
        {
            // There is nobody left to tell.
        }
    }
}
