using Etcd.Server.Apply;
using Etcd.Server.Primitives;

namespace Etcd.Server.Node;

/// <summary>A histogram for each operation and whether it succeeded, made when it is first needed. Any thread.</summary>
/// <param name="firstBound">The first bucket's upper bound, seconds; the others double.</param>
/// <param name="buckets">How many buckets have a bound.</param>
public sealed class OperationDurations(double firstBound, int buckets)
{
    private static readonly string[] Names =
    [
        "unknown", "Put", "DeleteRange", "Txn", "Compaction", "LeaseGrant", "LeaseRevoke", "LeaseCheckpoint", "ClusterVersionSet",
        "ClusterMemberAttrSet", "Alarm", "AuthEnable", "AuthDisable", "Authenticate", "AuthStatus", "AuthUserAdd", "AuthUserDelete",
        "AuthUserGet", "AuthUserChangePassword", "AuthUserGrantRole", "AuthUserRevokeRole", "AuthUserList", "AuthRoleList", "AuthRoleAdd",
        "AuthRoleDelete", "AuthRoleGet", "AuthRoleGrantPermission", "AuthRoleRevokePermission", "DowngradeInfoSet", "Range", "ReadonlyTxn",
    ];

    private readonly DurationHistogram?[] _histograms = new DurationHistogram?[2 * Names.Length];

    /// <summary>What was counted.</summary>
    public IEnumerable<(string Operation, bool Succeeded, DurationHistogram Durations)> All
    {
        get
        {
            for (int i = 0; i < _histograms.Length; i++)
            {
                if (Volatile.Read(ref _histograms[i]) is { } durations)
                {
                    yield return (Names[i / 2], i % 2 == 1, durations);
                }
            }
        }
    }

    /// <summary>Counts a command.</summary>
    /// <param name="field">Its field number in the log's entry.</param>
    /// <param name="succeeded">Whether it was carried out.</param>
    /// <param name="duration">How long it took.</param>
    internal void Observe(int field, bool succeeded, TimeSpan duration) => Observe(field, succeeded, duration.TotalSeconds);

    /// <summary>Counts a command.</summary>
    /// <param name="field">Its field number in the log's entry.</param>
    /// <param name="succeeded">Whether it was carried out.</param>
    /// <param name="seconds">How long it took.</param>
    internal void Observe(int field, bool succeeded, double seconds) => At(IndexOf(field), succeeded).Observe(seconds);

    /// <summary>Counts a read.</summary>
    /// <param name="succeeded">Whether it was answered.</param>
    /// <param name="duration">How long it took.</param>
    public void ObserveRange(bool succeeded, TimeSpan duration) => At(Names.Length - 2, succeeded).Observe(duration);

    /// <summary>Counts a transaction that only reads.</summary>
    /// <param name="succeeded">Whether it was answered.</param>
    /// <param name="duration">How long it took.</param>
    public void ObserveReadOnlyTxn(bool succeeded, TimeSpan duration) => At(Names.Length - 1, succeeded).Observe(duration);

    private static int IndexOf(int field) => field switch
    {
        CommandFields.Put => 1,
        CommandFields.DeleteRange => 2,
        CommandFields.Txn => 3,
        CommandFields.Compaction => 4,
        CommandFields.LeaseGrant => 5,
        CommandFields.LeaseRevoke => 6,
        CommandFields.LeaseCheckpoint => 7,
        CommandFields.ClusterVersionSet => 8,
        CommandFields.ClusterMemberAttrSet => 9,
        CommandFields.Alarm => 10,
        CommandFields.AuthEnable => 11,
        CommandFields.AuthDisable => 12,
        CommandFields.Authenticate => 13,
        CommandFields.AuthStatus => 14,
        CommandFields.AuthUserAdd => 15,
        CommandFields.AuthUserDelete => 16,
        CommandFields.AuthUserGet => 17,
        CommandFields.AuthUserChangePassword => 18,
        CommandFields.AuthUserGrantRole => 19,
        CommandFields.AuthUserRevokeRole => 20,
        CommandFields.AuthUserList => 21,
        CommandFields.AuthRoleList => 22,
        CommandFields.AuthRoleAdd => 23,
        CommandFields.AuthRoleDelete => 24,
        CommandFields.AuthRoleGet => 25,
        CommandFields.AuthRoleGrantPermission => 26,
        CommandFields.AuthRoleRevokePermission => 27,
        CommandFields.DowngradeInfoSet => 28,
        _ => 0,
    };

    private DurationHistogram At(int index, bool succeeded)
    {
        ref DurationHistogram? place = ref _histograms[(2 * index) + (succeeded ? 1 : 0)];
        if (Volatile.Read(ref place) is { } there)
        {
            return there;
        }

        var made = new DurationHistogram(firstBound, buckets);
        return Interlocked.CompareExchange(ref place, made, null) ?? made;
    }
}
