using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Primitives;
using Google.Protobuf;

namespace Etcd.Server.Apply.Alarms;

/// <summary>Alarms as etcdserverpb.AlarmMember. Its encoding is also how snapshots have an alarm.</summary>
public static class AlarmMessages
{
    /// <summary>The message of an alarm.</summary>
    /// <param name="alarm">The alarm.</param>
    public static AlarmMember Of(RaisedAlarm alarm) => new() { MemberID = alarm.Member.Value, Alarm = (AlarmType)alarm.Kind };

    /// <summary>Encodes an alarm.</summary>
    /// <param name="alarm">The alarm.</param>
    internal static byte[] Encode(RaisedAlarm alarm) => Of(alarm).ToByteArray();

    /// <summary>Reads an encoded alarm.</summary>
    /// <exception cref="InvalidProtocolBufferException">It is none.</exception>
    internal static RaisedAlarm Read(ReadOnlySpan<byte> encoded)
    {
        AlarmMember message = AlarmMember.Parser.ParseFrom(encoded);
        return new RaisedAlarm(new MemberId(message.MemberID), (AlarmKind)message.Alarm);
    }
}
