using Etcd.Protocol.Errors;
using Etcd.Server.Apply.Requests;
using Etcd.Server.Apply.Space;

namespace Etcd.Server.Apply.Alarms;

/// <summary>
/// Which committed commands are refused while alarms are raised, by every member alike. While data differ (CORRUPT), all that
/// would change keys or leases, but for what keeps time; without space (NOSPACE), all that would take more of it. Apply thread.
/// </summary>
/// <param name="board">The alarms.</param>
internal sealed class AlarmGate(AlarmBoard board)
{
    /// <summary>Why a command is refused; null if it is not.</summary>
    public EtcdError? Refuse(in CommandReader command)
    {
        if (board.IsQuiet)
            return null;

        if (board.Has(AlarmKind.Corrupt) && ChangesKeysOrLeases(command.Field))
            return EtcdErrors.Corrupt;

        return board.Has(AlarmKind.NoSpace) && TakesSpace(command) ? EtcdErrors.NoSpace : null;
    }

    private static bool ChangesKeysOrLeases(int field) => field is CommandFields.Put or CommandFields.DeleteRange
        or CommandFields.Txn or CommandFields.Compaction or CommandFields.LeaseGrant or CommandFields.LeaseRevoke;

    private static bool TakesSpace(in CommandReader command) => command.Field switch
    {
        CommandFields.Put or CommandFields.LeaseGrant => true,
        CommandFields.Txn => WriteCost.Txn(TxnRequestTree.Read(command.Payload)) > 0,
        _ => false,
    };
}
