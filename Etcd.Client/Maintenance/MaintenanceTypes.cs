namespace Etcd.Client;

/// <summary>The hash of a member's keys.</summary>
/// <param name="Header">Who answered.</param>
/// <param name="Hash">The hash.</param>
/// <param name="HashRevision">The revision up to which keys are in it; 0 where the member does not say (before v3.6).</param>
/// <param name="CompactRevision">The compact revision, from which they are in it.</param>
public sealed record EtcdHashKv(EtcdHeader Header, uint Hash, long HashRevision, long CompactRevision);

/// <summary>An alarm of a member.</summary>
/// <param name="MemberId">The member; 0 for any.</param>
/// <param name="Type">What is wrong.</param>
public readonly record struct EtcdAlarm(ulong MemberId, EtcdAlarmType Type);

/// <summary>What an alarm says.</summary>
public enum EtcdAlarmType
{
    /// <summary>Nothing; to disarm, all.</summary>
    None,

    /// <summary>The store has used its quota up: the cluster takes no writes.</summary>
    NoSpace,

    /// <summary>The member's store is not what those of the others are.</summary>
    Corrupt,
}

/// <summary>What is asked about a downgrade.</summary>
public enum EtcdDowngradeAction
{
    /// <summary>Whether it is possible.</summary>
    Validate,

    /// <summary>Its preparation begins.</summary>
    Enable,

    /// <summary>Its preparation ends.</summary>
    Cancel,
}
