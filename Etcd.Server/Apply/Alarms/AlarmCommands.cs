using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;
using Action = Etcd.Protocol.Etcdserverpb.AlarmRequest.Types.AlarmAction;

namespace Etcd.Server.Apply.Alarms;

/// <summary>The payloads of the alarm commands that a member proposes on its own.</summary>
public static class AlarmCommands
{
    /// <summary>An AlarmRequest that raises an alarm.</summary>
    /// <param name="alarm">The alarm.</param>
    public static byte[] Raise(RaisedAlarm alarm) => Request(Action.Activate, alarm);

    /// <summary>An AlarmRequest that lowers an alarm.</summary>
    /// <param name="alarm">The alarm.</param>
    public static byte[] Lower(RaisedAlarm alarm) => Request(Action.Deactivate, alarm);

    private static byte[] Request(Action action, RaisedAlarm alarm) =>
        new AlarmRequest { Action = action, MemberID = alarm.Member.Value, Alarm = (AlarmType)alarm.Kind }.ToByteArray();
}
