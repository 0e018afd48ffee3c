namespace Etcd.Server.Apply.Alarms;

/// <summary>
/// The alarms of the cluster as of the last applied entry; the same on every member. Changed by the apply thread only; any
/// thread may read.
/// </summary>
public sealed class AlarmBoard
{
    private RaisedAlarm[] _raised = [];

    /// <summary>The alarms by kind, then by member. The list never changes.</summary>
    public IReadOnlyList<RaisedAlarm> Raised => Volatile.Read(ref _raised);

    /// <summary>Whether there is no alarm, which is the rule.</summary>
    public bool IsQuiet => Volatile.Read(ref _raised).Length == 0;

    /// <summary>Whether any member has an alarm of a kind.</summary>
    /// <param name="kind">The kind.</param>
    public bool Has(AlarmKind kind)
    {
        foreach (RaisedAlarm alarm in Volatile.Read(ref _raised))
        {
            if (alarm.Kind == kind)
                return true;
        }

        return false;
    }

    /// <summary>Whether an alarm is raised.</summary>
    /// <param name="alarm">The alarm.</param>
    public bool Contains(RaisedAlarm alarm) => Array.IndexOf(Volatile.Read(ref _raised), alarm) >= 0;

    /// <summary>Raises an alarm; of no effect if it is raised already.</summary>
    /// <param name="alarm">The alarm, of a kind.</param>
    public void Raise(RaisedAlarm alarm)
    {
        if (!Contains(alarm))
            Replace(_raised.Append(alarm));
    }

    /// <summary>Lowers an alarm.</summary>
    /// <param name="alarm">The alarm.</param>
    /// <returns>Whether it was raised.</returns>
    public bool Lower(RaisedAlarm alarm)
    {
        bool raised = Contains(alarm);
        if (raised)
            Replace(_raised.Where(a => a != alarm));

        return raised;
    }

    /// <summary>Replaces all of them: a snapshot was installed.</summary>
    /// <param name="alarms">The alarms.</param>
    public void Replace(IEnumerable<RaisedAlarm> alarms)
    {
        RaisedAlarm[] sorted = [.. alarms.Distinct().OrderBy(a => a.Kind).ThenBy(a => a.Member.Value)];
        Volatile.Write(ref _raised, sorted);
    }
}
