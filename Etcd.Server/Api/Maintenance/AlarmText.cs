using System.Globalization;
using System.Text;
using Etcd.Server.Apply.Alarms;

namespace Etcd.Server.Api.Maintenance;

/// <summary>Alarms as the texts that clients see.</summary>
internal static class AlarmText
{
    /// <summary>An alarm as Status has it among the errors: <c>memberID:10276657743932975437 alarm:NOSPACE</c>, no field that is zero.</summary>
    /// <param name="alarm">The alarm.</param>
    public static string Of(RaisedAlarm alarm)
    {
        var text = new StringBuilder();
        if (!alarm.Member.IsNone)
        {
            text.Append(CultureInfo.InvariantCulture, $"memberID:{alarm.Member.Value} ");
        }

        return text.Append("alarm:").Append(Name(alarm.Kind)).ToString();
    }

    /// <summary>A kind's name; its number if it has none.</summary>
    /// <param name="kind">The kind.</param>
    public static string Name(AlarmKind kind) => kind switch
    {
        AlarmKind.None => "NONE",
        AlarmKind.NoSpace => "NOSPACE",
        AlarmKind.Corrupt => "CORRUPT",
        _ => ((int)kind).ToString(CultureInfo.InvariantCulture),
    };
}
