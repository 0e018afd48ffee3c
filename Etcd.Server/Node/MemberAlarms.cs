using Etcd.Protocol.Errors;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Alarms;
using Etcd.Server.Apply.Requests;
using Etcd.Server.Apply.Space;
using Etcd.Server.Primitives;

namespace Etcd.Server.Node;

/// <summary>A member's alarms and quota on the node.</summary>
/// <param name="node">The node.</param>
/// <param name="self">This member.</param>
/// <param name="board">The alarms, as the state machine knows them.</param>
/// <param name="quota">This member's quota.</param>
public sealed class MemberAlarms(MemberNode node, MemberId self, AlarmBoard board, SpaceQuota quota) : IAlarms
{
    /// <inheritdoc/>
    public IReadOnlyList<RaisedAlarm> Raised => board.Raised;

    /// <inheritdoc/>
    public long QuotaBytes => quota.Bytes;

    /// <inheritdoc/>
    public bool HasRoomFor(in PutRequestView put) => quota.HasRoomFor(put);

    /// <inheritdoc/>
    public bool HasRoomFor(TxnRequestTree txn, int requestBytes) => quota.HasRoomFor(txn, requestBytes);

    /// <inheritdoc/>
    public bool HasRoomForLease => quota.HasRoomFor(WriteCost.LeaseGrant);

    /// <inheritdoc/>
    public async Task<ApplyOutcome> RefuseAsync()
    {
        // etcd proposes it again for each request that is refused; a log that is to take no more space is spared that here.
        if (!board.Contains(new RaisedAlarm(self, AlarmKind.NoSpace)))
        {
            await node.RaiseNoSpaceAsync().ConfigureAwait(false);
        }

        throw EtcdErrors.NoSpace.ToException();
    }
}
