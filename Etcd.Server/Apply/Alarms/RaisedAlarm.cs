using Etcd.Server.Primitives;

namespace Etcd.Server.Apply.Alarms;

/// <summary>What is wrong with a member; etcdserverpb.AlarmType's numbers. A number that is not here is kept as it came.</summary>
public enum AlarmKind
{
    /// <summary>No alarm; in a question: every kind.</summary>
    None = 0,

    /// <summary>The quota is used up: what would take more space is refused everywhere.</summary>
    NoSpace = 1,

    /// <summary>The member's data differ from the others': all changes are refused everywhere.</summary>
    Corrupt = 2,
}

/// <summary>An alarm that was raised and not lowered yet.</summary>
/// <param name="Member">Whom it is about; none if that could not be told.</param>
/// <param name="Kind">What is wrong.</param>
public readonly record struct RaisedAlarm(MemberId Member, AlarmKind Kind);
