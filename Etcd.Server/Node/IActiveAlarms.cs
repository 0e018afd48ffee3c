using Etcd.Server.Primitives;

namespace Etcd.Server.Node;

/// <summary>The alarms that are raised in the cluster, as this member has applied them. Any thread, without waiting.</summary>
public interface IActiveAlarms
{
    /// <summary>The alarms.</summary>
    IReadOnlyList<ActiveAlarm> Active { get; }
}

/// <summary>One alarm.</summary>
/// <param name="Member">Whose it is.</param>
/// <param name="Name">etcdserverpb.AlarmType's name: NOSPACE or CORRUPT.</param>
public readonly record struct ActiveAlarm(MemberId Member, string Name)
{
    /// <summary>The quota is used up.</summary>
    public const string NoSpace = "NOSPACE";

    /// <summary>The member's data are not those of the others.</summary>
    public const string Corrupt = "CORRUPT";
}

/// <summary>Where nothing raises alarms.</summary>
public sealed class NoAlarms : IActiveAlarms
{
    /// <summary>The one there is.</summary>
    public static NoAlarms Instance { get; } = new();

    /// <inheritdoc/>
    public IReadOnlyList<ActiveAlarm> Active => [];
}
