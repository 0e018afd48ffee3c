using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Grpc.Core;

namespace Etcd.Protocol.Errors;

/// <summary>
/// The one error table: every error that an etcd server of v3.7.1 tells its clients by a text of its own.
/// Texts are part of the protocol: the wire carries only code and text, so a client finds the error by
/// its exact text. Immutable, usable from any thread.
/// </summary>
public static class EtcdErrors
{
    // Filled by the initializers below, so it has to stay above them.
    private static readonly List<EtcdError> Table = [];

    // Requests on keys.
    /// <summary>A request without a key.</summary>
    public static readonly EtcdError EmptyKey = Add(new(EtcdErrorId.EmptyKey, StatusCode.InvalidArgument, "etcdserver: key is not provided"));

    /// <summary>A put that keeps value or lease of a key that does not exist.</summary>
    public static readonly EtcdError KeyNotFound = Add(new(EtcdErrorId.KeyNotFound, StatusCode.InvalidArgument, "etcdserver: key not found"));

    /// <summary>A put with a value that also asks to keep the value.</summary>
    public static readonly EtcdError ValueProvided = Add(new(EtcdErrorId.ValueProvided, StatusCode.InvalidArgument, "etcdserver: value is provided"));

    /// <summary>A put with a lease that also asks to keep the lease.</summary>
    public static readonly EtcdError LeaseProvided = Add(new(EtcdErrorId.LeaseProvided, StatusCode.InvalidArgument, "etcdserver: lease is provided"));

    /// <summary>A transaction above the configured number of operations.</summary>
    public static readonly EtcdError TooManyOps = Add(new(EtcdErrorId.TooManyOps, StatusCode.InvalidArgument, "etcdserver: too many operations in txn request"));

    /// <summary>A transaction that changes a key twice.</summary>
    public static readonly EtcdError DuplicateKey = Add(new(EtcdErrorId.DuplicateKey, StatusCode.InvalidArgument, "etcdserver: duplicate key given in txn request"));

    /// <summary>The client's version header is not valid UTF-8.</summary>
    public static readonly EtcdError InvalidClientApiVersion = Add(new(EtcdErrorId.InvalidClientApiVersion, StatusCode.InvalidArgument, "etcdserver: invalid client api version"));

    /// <summary>A sort order or target that does not exist.</summary>
    public static readonly EtcdError InvalidSortOption = Add(new(EtcdErrorId.InvalidSortOption, StatusCode.InvalidArgument, "etcdserver: invalid sort option"));

    /// <summary>A read of history that is gone.</summary>
    public static readonly EtcdError Compacted = Add(new(EtcdErrorId.Compacted, StatusCode.OutOfRange, "etcdserver: mvcc: required revision has been compacted"));

    /// <summary>A read of a revision that is yet to come.</summary>
    public static readonly EtcdError FutureRevision = Add(new(EtcdErrorId.FutureRevision, StatusCode.OutOfRange, "etcdserver: mvcc: required revision is a future revision"));

    /// <summary>The quota is used up.</summary>
    public static readonly EtcdError NoSpace = Add(new(EtcdErrorId.NoSpace, StatusCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded"));

    // Leases.
    /// <summary>No such lease.</summary>
    public static readonly EtcdError LeaseNotFound = Add(new(EtcdErrorId.LeaseNotFound, StatusCode.NotFound, "etcdserver: requested lease not found"));

    /// <summary>The id that the client chose is taken.</summary>
    public static readonly EtcdError LeaseExists = Add(new(EtcdErrorId.LeaseExists, StatusCode.FailedPrecondition, "etcdserver: lease already exists"));

    /// <summary>More seconds than a lease may have.</summary>
    public static readonly EtcdError LeaseTtlTooLarge = Add(new(EtcdErrorId.LeaseTtlTooLarge, StatusCode.OutOfRange, "etcdserver: too large lease TTL"));

    // Watches.
    /// <summary>The watch stream was cancelled.</summary>
    public static readonly EtcdError WatchCanceled = Add(new(EtcdErrorId.WatchCanceled, StatusCode.Cancelled, "etcdserver: watch canceled"));

    // Members.
    /// <summary>The member is in the cluster already.</summary>
    public static readonly EtcdError MemberExists = Add(new(EtcdErrorId.MemberExists, StatusCode.FailedPrecondition, "etcdserver: member ID already exist"));

    /// <summary>Another member has one of the peer addresses.</summary>
    public static readonly EtcdError PeerUrlExists = Add(new(EtcdErrorId.PeerUrlExists, StatusCode.FailedPrecondition, "etcdserver: Peer URLs already exists"));

    /// <summary>The change would leave no quorum of running members.</summary>
    public static readonly EtcdError MemberNotEnoughStarted = Add(new(EtcdErrorId.MemberNotEnoughStarted, StatusCode.FailedPrecondition, "etcdserver: re-configuration failed due to not enough started members") { WireCode = StatusCode.Unknown });

    /// <summary>Peer addresses that cannot be parsed.</summary>
    public static readonly EtcdError MemberBadUrls = Add(new(EtcdErrorId.MemberBadUrls, StatusCode.InvalidArgument, "etcdserver: given member URLs are invalid"));

    /// <summary>No such member.</summary>
    public static readonly EtcdError MemberNotFound = Add(new(EtcdErrorId.MemberNotFound, StatusCode.NotFound, "etcdserver: member not found"));

    /// <summary>The member votes already.</summary>
    public static readonly EtcdError MemberNotLearner = Add(new(EtcdErrorId.MemberNotLearner, StatusCode.FailedPrecondition, "etcdserver: can only promote a learner member"));

    /// <summary>The learner is too far behind.</summary>
    public static readonly EtcdError LearnerNotReady = Add(new(EtcdErrorId.LearnerNotReady, StatusCode.FailedPrecondition, "etcdserver: can only promote a learner member which is in sync with leader"));

    /// <summary>More learners than configured.</summary>
    public static readonly EtcdError TooManyLearners = Add(new(EtcdErrorId.TooManyLearners, StatusCode.FailedPrecondition, "etcdserver: too many learner members in cluster"));

    /// <summary>The peer is of another cluster.</summary>
    public static readonly EtcdError ClusterIdMismatch = Add(new(EtcdErrorId.ClusterIdMismatch, StatusCode.FailedPrecondition, "etcdserver: cluster ID mismatch"));

    // Admission.
    /// <summary>More bytes than a request may have.</summary>
    public static readonly EtcdError RequestTooLarge = Add(new(EtcdErrorId.RequestTooLarge, StatusCode.InvalidArgument, "etcdserver: request is too large"));

    /// <summary>Commit is too far ahead of apply.</summary>
    public static readonly EtcdError TooManyRequests = Add(new(EtcdErrorId.TooManyRequests, StatusCode.ResourceExhausted, "etcdserver: too many requests") { WireCode = StatusCode.Unknown });

    // Auth.
    /// <summary>Auth cannot be turned on without root.</summary>
    public static readonly EtcdError RootUserNotExist = Add(new(EtcdErrorId.RootUserNotExist, StatusCode.FailedPrecondition, "etcdserver: root user does not exist"));

    /// <summary>Auth cannot be turned on while root lacks its role.</summary>
    public static readonly EtcdError RootRoleNotExist = Add(new(EtcdErrorId.RootRoleNotExist, StatusCode.FailedPrecondition, "etcdserver: root user does not have root role"));

    /// <summary>The user exists.</summary>
    public static readonly EtcdError UserAlreadyExists = Add(new(EtcdErrorId.UserAlreadyExists, StatusCode.FailedPrecondition, "etcdserver: user name already exists"));

    /// <summary>A request without a user name.</summary>
    public static readonly EtcdError UserEmpty = Add(new(EtcdErrorId.UserEmpty, StatusCode.InvalidArgument, "etcdserver: user name is empty"));

    /// <summary>No such user.</summary>
    public static readonly EtcdError UserNotFound = Add(new(EtcdErrorId.UserNotFound, StatusCode.FailedPrecondition, "etcdserver: user name not found"));

    /// <summary>The role exists.</summary>
    public static readonly EtcdError RoleAlreadyExists = Add(new(EtcdErrorId.RoleAlreadyExists, StatusCode.FailedPrecondition, "etcdserver: role name already exists"));

    /// <summary>No such role.</summary>
    public static readonly EtcdError RoleNotFound = Add(new(EtcdErrorId.RoleNotFound, StatusCode.FailedPrecondition, "etcdserver: role name not found"));

    /// <summary>A request without a role name.</summary>
    public static readonly EtcdError RoleEmpty = Add(new(EtcdErrorId.RoleEmpty, StatusCode.InvalidArgument, "etcdserver: role name is empty"));

    /// <summary>Wrong name or password.</summary>
    public static readonly EtcdError AuthFailed = Add(new(EtcdErrorId.AuthFailed, StatusCode.InvalidArgument, "etcdserver: authentication failed, invalid user ID or password"));

    /// <summary>A grant without a permission.</summary>
    public static readonly EtcdError PermissionNotGiven = Add(new(EtcdErrorId.PermissionNotGiven, StatusCode.InvalidArgument, "etcdserver: permission not given"));

    /// <summary>The user may not do this.</summary>
    public static readonly EtcdError PermissionDenied = Add(new(EtcdErrorId.PermissionDenied, StatusCode.PermissionDenied, "etcdserver: permission denied"));

    /// <summary>A revoke of a role that the user does not have.</summary>
    public static readonly EtcdError RoleNotGranted = Add(new(EtcdErrorId.RoleNotGranted, StatusCode.FailedPrecondition, "etcdserver: role is not granted to the user"));

    /// <summary>A revoke of a permission that the role does not have.</summary>
    public static readonly EtcdError PermissionNotGranted = Add(new(EtcdErrorId.PermissionNotGranted, StatusCode.FailedPrecondition, "etcdserver: permission is not granted to the role"));

    /// <summary>Authenticate while auth is off.</summary>
    public static readonly EtcdError AuthNotEnabled = Add(new(EtcdErrorId.AuthNotEnabled, StatusCode.FailedPrecondition, "etcdserver: authentication is not enabled"));

    /// <summary>The token is unknown or too old.</summary>
    public static readonly EtcdError InvalidAuthToken = Add(new(EtcdErrorId.InvalidAuthToken, StatusCode.Unauthenticated, "etcdserver: invalid auth token"));

    /// <summary>A change that would lock root out.</summary>
    public static readonly EtcdError InvalidAuthManagement = Add(new(EtcdErrorId.InvalidAuthManagement, StatusCode.InvalidArgument, "etcdserver: invalid auth management"));

    /// <summary>Users or roles changed since the request was checked.</summary>
    public static readonly EtcdError AuthOldRevision = Add(new(EtcdErrorId.AuthOldRevision, StatusCode.InvalidArgument, "etcdserver: revision of auth store is old"));

    // State of the cluster.
    /// <summary>The member knows no leader.</summary>
    public static readonly EtcdError NoLeader = Add(new(EtcdErrorId.NoLeader, StatusCode.Unavailable, "etcdserver: no leader"));

    /// <summary>The member does not lead.</summary>
    public static readonly EtcdError NotLeader = Add(new(EtcdErrorId.NotLeader, StatusCode.FailedPrecondition, "etcdserver: not leader"));

    /// <summary>The leader changed while the request waited; its effect is not known.</summary>
    public static readonly EtcdError LeaderChanged = Add(new(EtcdErrorId.LeaderChanged, StatusCode.Unavailable, "etcdserver: leader changed"));

    /// <summary>The cluster version does not have this call yet.</summary>
    public static readonly EtcdError NotCapable = Add(new(EtcdErrorId.NotCapable, StatusCode.FailedPrecondition, "etcdserver: not capable"));

    /// <summary>The member is shutting down.</summary>
    public static readonly EtcdError Stopped = Add(new(EtcdErrorId.Stopped, StatusCode.Unavailable, "etcdserver: server stopped"));

    /// <summary>No answer in time; the effect is not known.</summary>
    public static readonly EtcdError Timeout = Add(new(EtcdErrorId.Timeout, StatusCode.Unavailable, "etcdserver: request timed out"));

    /// <summary>No answer in time, and the leader was lost meanwhile.</summary>
    public static readonly EtcdError TimeoutDueToLeaderFail = Add(new(EtcdErrorId.TimeoutDueToLeaderFail, StatusCode.Unavailable, "etcdserver: request timed out, possibly due to previous leader failure"));

    /// <summary>No answer in time, and too few members could be reached.</summary>
    public static readonly EtcdError TimeoutDueToConnectionLost = Add(new(EtcdErrorId.TimeoutDueToConnectionLost, StatusCode.Unavailable, "etcdserver: request timed out, possibly due to connection lost"));

    /// <summary>Apply did not catch up in time.</summary>
    public static readonly EtcdError TimeoutWaitAppliedIndex = Add(new(EtcdErrorId.TimeoutWaitAppliedIndex, StatusCode.Unavailable, "etcdserver: request timed out, waiting for the applied index took too long"));

    /// <summary>Too few members are connected for the change.</summary>
    public static readonly EtcdError Unhealthy = Add(new(EtcdErrorId.Unhealthy, StatusCode.Unavailable, "etcdserver: unhealthy cluster"));

    /// <summary>A CORRUPT alarm is raised.</summary>
    public static readonly EtcdError Corrupt = Add(new(EtcdErrorId.Corrupt, StatusCode.DataLoss, "etcdserver: corrupt cluster"));

    /// <summary>A learner does not answer this call.</summary>
    public static readonly EtcdError NotSupportedForLearner = Add(new(EtcdErrorId.NotSupportedForLearner, StatusCode.FailedPrecondition, "etcdserver: rpc not supported for learner"));

    /// <summary>The member cannot become leader.</summary>
    public static readonly EtcdError BadLeaderTransferee = Add(new(EtcdErrorId.BadLeaderTransferee, StatusCode.FailedPrecondition, "etcdserver: bad leader transferee"));

    // Downgrades.
    /// <summary>The version cannot be parsed.</summary>
    public static readonly EtcdError WrongDowngradeVersionFormat = Add(new(EtcdErrorId.WrongDowngradeVersionFormat, StatusCode.InvalidArgument, "etcdserver: wrong downgrade target version format"));

    /// <summary>Not the minor version before this one.</summary>
    public static readonly EtcdError InvalidDowngradeTargetVersion = Add(new(EtcdErrorId.InvalidDowngradeTargetVersion, StatusCode.InvalidArgument, "etcdserver: invalid downgrade target version"));

    /// <summary>The cluster has no version yet.</summary>
    public static readonly EtcdError ClusterVersionUnavailable = Add(new(EtcdErrorId.ClusterVersionUnavailable, StatusCode.FailedPrecondition, "etcdserver: cluster version not found during downgrade"));

    /// <summary>A downgrade is under way.</summary>
    public static readonly EtcdError DowngradeInProcess = Add(new(EtcdErrorId.DowngradeInProcess, StatusCode.FailedPrecondition, "etcdserver: cluster has a downgrade job in progress"));

    /// <summary>There is no downgrade to cancel.</summary>
    public static readonly EtcdError NoInflightDowngrade = Add(new(EtcdErrorId.NoInflightDowngrade, StatusCode.FailedPrecondition, "etcdserver: no inflight downgrade job"));

    // The caller's own end.
    /// <summary>The request was given up.</summary>
    public static readonly EtcdError Canceled = Add(new(EtcdErrorId.Canceled, StatusCode.Cancelled, "etcdserver: request canceled"));

    /// <summary>The request's deadline passed.</summary>
    public static readonly EtcdError DeadlineExceeded = Add(new(EtcdErrorId.DeadlineExceeded, StatusCode.DeadlineExceeded, "etcdserver: context deadline exceeded"));

    // Texts that etcd sends without an entry in its own table, so that clients see code Unknown.
    /// <summary>A downgrade action that does not exist.</summary>
    public static readonly EtcdError UnknownMethod = Add(new(EtcdErrorId.UnknownMethod, StatusCode.Unknown, "etcdserver: unknown method"));

    /// <summary>The leadership was not handed over in time.</summary>
    public static readonly EtcdError TimeoutLeaderTransfer = Add(new(EtcdErrorId.TimeoutLeaderTransfer, StatusCode.Unknown, "etcdserver: request timed out, leader transfer took too long"));

    /// <summary>A keep-alive reached a leader that cannot prove it still leads.</summary>
    public static readonly EtcdError LessorNotPrimary = Add(new(EtcdErrorId.LessorNotPrimary, StatusCode.Unknown, "not a primary lessor"));

    /// <summary>A change of a member whose id was removed before.</summary>
    public static readonly EtcdError MemberIdRemoved = Add(new(EtcdErrorId.MemberIdRemoved, StatusCode.Unknown, "membership: ID removed"));

    /// <summary>A password for a user who has none.</summary>
    public static readonly EtcdError NoPasswordUser = Add(new(EtcdErrorId.NoPasswordUser, StatusCode.Unknown, "auth: authentication failed, password was given for no password user"));

    /// <summary>The member has only the public key of its tokens.</summary>
    public static readonly EtcdError TokenSigningVerifyOnly = Add(new(EtcdErrorId.TokenSigningVerifyOnly, StatusCode.Unknown, "auth: token signing attempted with verify-only key"));

    /// <summary>Proclaim or resign without the leader key.</summary>
    public static readonly EtcdError ElectionMissingLeaderKey = Add(new(EtcdErrorId.ElectionMissingLeaderKey, StatusCode.Unknown, "\"leader\" field must be provided"));

    /// <summary>Proclaim by a candidate that does not lead.</summary>
    public static readonly EtcdError ElectionNotLeader = Add(new(EtcdErrorId.ElectionNotLeader, StatusCode.Unknown, "election: not leader"));

    /// <summary>Nobody leads the election.</summary>
    public static readonly EtcdError ElectionNoLeader = Add(new(EtcdErrorId.ElectionNoLeader, StatusCode.Unknown, "election: no leader"));

    /// <summary>The lease ended while the lock was waited for.</summary>
    public static readonly EtcdError LockSessionExpired = Add(new(EtcdErrorId.LockSessionExpired, StatusCode.Unknown, "mutex: session is expired"));

    // Reasons in a watch's cancellation; never the status of a call.
    /// <summary>A watch whose range end is not above its key.</summary>
    public static readonly EtcdError WatcherEmptyRange = Add(new(EtcdErrorId.WatcherEmptyRange, StatusCode.Unknown, "mvcc: watcher range is empty"));

    /// <summary>The id that the client chose is taken on its stream.</summary>
    public static readonly EtcdError WatcherDuplicateId = Add(new(EtcdErrorId.WatcherDuplicateId, StatusCode.Unknown, "mvcc: duplicate watch ID provided on the WatchStream"));

    // Range streams.
    /// <summary>A stream in another order than by key.</summary>
    public static readonly EtcdError RangeStreamSortOrder = Add(new(EtcdErrorId.RangeStreamSortOrder, StatusCode.Unimplemented, "RangeStream does not support custom sort orders"));

    /// <summary>A stream with limits on revisions.</summary>
    public static readonly EtcdError RangeStreamRevisionFilters = Add(new(EtcdErrorId.RangeStreamRevisionFilters, StatusCode.Unimplemented, "RangeStream does not support revision filters"));

    // Below the members, which fill the table.
    private static readonly FrozenDictionary<string, EtcdError> ByText =
        Table.ToFrozenDictionary(error => error.Text, StringComparer.Ordinal);

    /// <summary>All errors, in the order of <see cref="EtcdErrorId"/>.</summary>
    public static IReadOnlyList<EtcdError> All { get; } = Table.AsReadOnly();

    /// <summary>Finds the error with exactly this text, as an etcd client does with a status that it received.</summary>
    public static bool TryFromText(string text, [NotNullWhen(true)] out EtcdError? error) =>
        ByText.TryGetValue(text, out error);

    private static EtcdError Add(EtcdError error)
    {
        Table.Add(error);
        return error;
    }
}
