using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Primitives;
using Google.Protobuf;
using Action = Etcd.Protocol.Etcdserverpb.AlarmRequest.Types.AlarmAction;

namespace Etcd.Server.Apply.Alarms;

/// <summary>
/// The alarm commands of the log, as etcd applies them: raising what is raised and lowering what is not are no errors, and a
/// command that asks for nothing that exists does nothing. Apply thread only. A payload that is no such message throws,
/// because then the log is not what it should be.
/// </summary>
/// <param name="board">The alarms.</param>
/// <param name="currentRevision">The store's revision.</param>
internal sealed class AlarmApplier(AlarmBoard board, Func<long> currentRevision)
{
    /// <summary>Applies an AlarmRequest; the outcome names the alarms that it is about.</summary>
    public ApplyOutcome Apply(ReadOnlyMemory<byte> payload)
    {
        AlarmRequest request = AlarmRequest.Parser.ParseFrom(payload.Span);
        var answer = new AlarmResponse();
        answer.Alarms.AddRange(Apply(request).Select(AlarmMessages.Of));
        return new ApplyOutcome(currentRevision(), answer.ToByteArray());
    }

    private IEnumerable<RaisedAlarm> Apply(AlarmRequest request)
    {
        var alarm = new RaisedAlarm(new MemberId(request.MemberID), (AlarmKind)request.Alarm);
        switch (request.Action)
        {
            case Action.Get:
                return board.Raised.Where(a => alarm.Kind is AlarmKind.None || a.Kind == alarm.Kind);
            case Action.Activate when alarm.Kind != AlarmKind.None:
                board.Raise(alarm);
                return [alarm];
            case Action.Deactivate when board.Lower(alarm):
                return [alarm];
            default:
                return [];
        }
    }
}
