namespace Etcd.Protocol.Errors;

/// <summary>
/// Names every error of <see cref="EtcdErrors"/>, so that code can switch on it. The numbers are of this process
/// only: neither wire nor disk carries them.
/// </summary>
public enum EtcdErrorId
{
    /// <summary>A request without a key.</summary>
    EmptyKey,

    /// <summary>A put that keeps value or lease of a key that does not exist.</summary>
    KeyNotFound,

    /// <summary>A put with a value that also asks to keep the value.</summary>
    ValueProvided,

    /// <summary>A put with a lease that also asks to keep the lease.</summary>
    LeaseProvided,

    /// <summary>A transaction above the configured number of operations.</summary>
    TooManyOps,

    /// <summary>A transaction that changes a key twice.</summary>
    DuplicateKey,

    /// <summary>The client's version header is not valid UTF-8.</summary>
    InvalidClientApiVersion,

    /// <summary>A sort order or target that does not exist.</summary>
    InvalidSortOption,

    /// <summary>A read of history that is gone.</summary>
    Compacted,

    /// <summary>A read of a revision that is yet to come.</summary>
    FutureRevision,

    /// <summary>The quota is used up.</summary>
    NoSpace,

    /// <summary>No such lease.</summary>
    LeaseNotFound,

    /// <summary>The id that the client chose is taken.</summary>
    LeaseExists,

    /// <summary>More seconds than a lease may have.</summary>
    LeaseTtlTooLarge,

    /// <summary>The watch stream was cancelled.</summary>
    WatchCanceled,

    /// <summary>The member is in the cluster already.</summary>
    MemberExists,

    /// <summary>Another member has one of the peer addresses.</summary>
    PeerUrlExists,

    /// <summary>The change would leave no quorum of running members.</summary>
    MemberNotEnoughStarted,

    /// <summary>Peer addresses that cannot be parsed.</summary>
    MemberBadUrls,

    /// <summary>No such member.</summary>
    MemberNotFound,

    /// <summary>The member votes already.</summary>
    MemberNotLearner,

    /// <summary>The learner is too far behind.</summary>
    LearnerNotReady,

    /// <summary>More learners than configured.</summary>
    TooManyLearners,

    /// <summary>The peer is of another cluster.</summary>
    ClusterIdMismatch,

    /// <summary>More bytes than a request may have.</summary>
    RequestTooLarge,

    /// <summary>Commit is too far ahead of apply.</summary>
    TooManyRequests,

    /// <summary>Auth cannot be turned on without root.</summary>
    RootUserNotExist,

    /// <summary>Auth cannot be turned on while root lacks its role.</summary>
    RootRoleNotExist,

    /// <summary>The user exists.</summary>
    UserAlreadyExists,

    /// <summary>A request without a user name.</summary>
    UserEmpty,

    /// <summary>No such user.</summary>
    UserNotFound,

    /// <summary>The role exists.</summary>
    RoleAlreadyExists,

    /// <summary>No such role.</summary>
    RoleNotFound,

    /// <summary>A request without a role name.</summary>
    RoleEmpty,

    /// <summary>Wrong name or password.</summary>
    AuthFailed,

    /// <summary>A grant without a permission.</summary>
    PermissionNotGiven,

    /// <summary>The user may not do this.</summary>
    PermissionDenied,

    /// <summary>A revoke of a role that the user does not have.</summary>
    RoleNotGranted,

    /// <summary>A revoke of a permission that the role does not have.</summary>
    PermissionNotGranted,

    /// <summary>Authenticate while auth is off.</summary>
    AuthNotEnabled,

    /// <summary>The token is unknown or too old.</summary>
    InvalidAuthToken,

    /// <summary>A change that would lock root out.</summary>
    InvalidAuthManagement,

    /// <summary>Users or roles changed since the request was checked.</summary>
    AuthOldRevision,

    /// <summary>The member knows no leader.</summary>
    NoLeader,

    /// <summary>The member does not lead.</summary>
    NotLeader,

    /// <summary>The leader changed while the request waited; its effect is not known.</summary>
    LeaderChanged,

    /// <summary>The cluster version does not have this call yet.</summary>
    NotCapable,

    /// <summary>The member is shutting down.</summary>
    Stopped,

    /// <summary>No answer in time; the effect is not known.</summary>
    Timeout,

    /// <summary>No answer in time, and the leader was lost meanwhile.</summary>
    TimeoutDueToLeaderFail,

    /// <summary>No answer in time, and too few members could be reached.</summary>
    TimeoutDueToConnectionLost,

    /// <summary>Apply did not catch up in time.</summary>
    TimeoutWaitAppliedIndex,

    /// <summary>Too few members are connected for the change.</summary>
    Unhealthy,

    /// <summary>A CORRUPT alarm is raised.</summary>
    Corrupt,

    /// <summary>A learner does not answer this call.</summary>
    NotSupportedForLearner,

    /// <summary>The member cannot become leader.</summary>
    BadLeaderTransferee,

    /// <summary>The version cannot be parsed.</summary>
    WrongDowngradeVersionFormat,

    /// <summary>Not the minor version before this one.</summary>
    InvalidDowngradeTargetVersion,

    /// <summary>The cluster has no version yet.</summary>
    ClusterVersionUnavailable,

    /// <summary>A downgrade is under way.</summary>
    DowngradeInProcess,

    /// <summary>There is no downgrade to cancel.</summary>
    NoInflightDowngrade,

    /// <summary>The request was given up.</summary>
    Canceled,

    /// <summary>The request's deadline passed.</summary>
    DeadlineExceeded,

    /// <summary>A downgrade action that does not exist.</summary>
    UnknownMethod,

    /// <summary>The leadership was not handed over in time.</summary>
    TimeoutLeaderTransfer,

    /// <summary>A keep-alive reached a leader that cannot prove it still leads.</summary>
    LessorNotPrimary,

    /// <summary>A change of a member whose id was removed before.</summary>
    MemberIdRemoved,

    /// <summary>A password for a user who has none.</summary>
    NoPasswordUser,

    /// <summary>The member has only the public key of its tokens.</summary>
    TokenSigningVerifyOnly,

    /// <summary>Proclaim or resign without the leader key.</summary>
    ElectionMissingLeaderKey,

    /// <summary>Proclaim by a candidate that does not lead.</summary>
    ElectionNotLeader,

    /// <summary>Nobody leads the election.</summary>
    ElectionNoLeader,

    /// <summary>The lease ended while the lock was waited for.</summary>
    LockSessionExpired,

    /// <summary>A watch whose range end is not above its key.</summary>
    WatcherEmptyRange,

    /// <summary>The id that the client chose is taken on its stream.</summary>
    WatcherDuplicateId,

    /// <summary>A stream in another order than by key.</summary>
    RangeStreamSortOrder,

    /// <summary>A stream with limits on revisions.</summary>
    RangeStreamRevisionFilters,
}
