namespace Etcd.Client;

/// <summary>
/// What those who run a cluster do with it. Calls that concern one member name its address, which need not be one of the client's
/// endpoints. Safe for concurrent use.
/// </summary>
public interface IEtcdMaintenance
{
    /// <summary>What one member says about itself.</summary>
    /// <param name="endpoint">Its address.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    ValueTask<EtcdMemberStatus> GetStatusAsync(string endpoint, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Makes one member give back the room that deleted data has left in its store. It serves nobody meanwhile: do it to one after the
    /// other, and give it time.
    /// </summary>
    ValueTask DefragmentAsync(string endpoint, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// The hash of one member's keys at a revision, by which members are compared: equal ones have equal hashes where revision and compact
    /// revision are equal.
    /// </summary>
    /// <param name="endpoint">The member's address.</param>
    /// <param name="revision">The revision; 0 for the latest.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    ValueTask<EtcdHashKv> GetHashKvAsync(string endpoint, long revision = 0, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>The hash of all that one member has in its store.</summary>
    ValueTask<uint> GetHashAsync(string endpoint, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// A snapshot of the store, as it is written to a file for <c>etcdutl snapshot restore</c>. The bytes come while they are read, and are
    /// checked at the end; nothing is tried again once they flow. The options' timeout is for all of it; without one it may take its time.
    /// </summary>
    /// <param name="endpoint">The member to ask; null for any of the client's endpoints.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Gives the call up; once the bytes flow their reader's token does.</param>
    /// <example>
    /// <code>
    /// await using EtcdSnapshotStream snapshot = await client.Maintenance.SnapshotAsync();
    /// await using FileStream file = File.Create("backup.db");
    /// await snapshot.CopyToAsync(file);
    /// </code>
    /// </example>
    ValueTask<EtcdSnapshotStream> SnapshotAsync(string? endpoint = null, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>All alarms that are raised.</summary>
    ValueTask<IReadOnlyList<EtcdAlarm>> ListAlarmsAsync(EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Raises an alarm.</summary>
    ValueTask RaiseAlarmAsync(EtcdAlarm alarm, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Takes an alarm back.</summary>
    /// <returns>Those that were taken back.</returns>
    ValueTask<IReadOnlyList<EtcdAlarm>> DisarmAlarmAsync(EtcdAlarm alarm, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Hands the leadership over. The leader must be among the client's endpoints, as only it can do that.</summary>
    /// <param name="memberId">Who is to lead.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    ValueTask MoveLeaderAsync(ulong memberId, EtcdCallOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Prepares the cluster for an older version, or asks whether that is possible, or ends the preparation.</summary>
    /// <param name="action">Which of it.</param>
    /// <param name="version">The version, such as 3.6; empty for the end of the preparation.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Gives the call up.</param>
    /// <returns>The cluster's version.</returns>
    ValueTask<string> DowngradeAsync(EtcdDowngradeAction action, string version = "", EtcdCallOptions? options = null, CancellationToken cancellationToken = default);
}
