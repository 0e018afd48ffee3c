using Etcd.Protocol.Errors;
using Etcd.Server.Apply.Alarms;
using Etcd.Server.Apply.Space;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Upkeep;

/// <summary>
/// Watches how much of the quota the store takes: measures it every second, warns at 80 %, and lowers this member's NOSPACE alarm
/// by itself if --quota-auto-disarm says so, once less than 80 % has been taken for ten looks in a row. <see cref="Tick"/>: the
/// timer, one call at a time; the rest: any thread.
/// </summary>
/// <param name="node">The node.</param>
/// <param name="self">This member.</param>
/// <param name="alarms">The alarms.</param>
/// <param name="quota">The quota.</param>
/// <param name="disarms">Whether it lowers the alarm.</param>
/// <param name="clock">The time.</param>
/// <param name="log">Where it is told.</param>
internal sealed class SpaceMonitor(
    MemberNode node, MemberId self, AlarmBoard alarms, SpaceQuota quota, bool disarms, TimeProvider clock, ILogger log)
{
    /// <summary>From this share of the quota on the operator is warned.</summary>
    public const double NearlyFullShare = 0.8;

    // Below this the next crossing is warned of again.
    private const double RelaxedShare = 0.75;

    private const int LooksBeforeDisarm = 10;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly RaisedAlarm _ownAlarm = new(self, AlarmKind.NoSpace);
    private long? _lookedAt;
    private int _looksWithRoom;
    private bool _warned;
    private int _disarming;

    /// <summary>How much of the quota is taken; zero if there is none.</summary>
    public double UsedShare => quota.IsLimited ? quota.UsedBytes / (double)Math.Max(1, quota.Bytes) : 0;

    /// <summary>Whether the quota is nearly used up.</summary>
    public bool IsNearlyFull => UsedShare >= NearlyFullShare;

    /// <summary>A heartbeat interval has passed.</summary>
    public void Tick()
    {
        long now = clock.GetTimestamp();
        if (_lookedAt is { } before && clock.GetElapsedTime(before, now) < Interval)
        {
            return;
        }

        _lookedAt = now;
        quota.Measure();
        Warn();
        Disarm();
    }

    private void Warn()
    {
        if (IsNearlyFull && !_warned)
        {
            _warned = true;
            UpkeepLog.NearlyFull(log, self.ToString(), quota.UsedBytes, quota.Bytes, (int)(UsedShare * 100));
        }
        else if (UsedShare < RelaxedShare)
        {
            _warned = false;
        }
    }

    private void Disarm()
    {
        bool hasRoom = disarms && !IsNearlyFull && alarms.Contains(_ownAlarm);
        _looksWithRoom = hasRoom ? _looksWithRoom + 1 : 0;
        if (_looksWithRoom >= LooksBeforeDisarm && Interlocked.CompareExchange(ref _disarming, 1, 0) == 0)
        {
            _looksWithRoom = 0;
            UpkeepLog.Disarming(log, self.ToString(), quota.UsedBytes, quota.Bytes);
            _ = DisarmAsync();
        }
    }

    private async Task DisarmAsync()
    {
        try
        {
            await node.ProposeAsync(RaftCommand.Create(RaftCommandKind.Alarm, AlarmCommands.Lower(_ownAlarm))).ConfigureAwait(false);
        }
        catch (EtcdErrorException e)
        {
            // It is tried again: the alarm is still there.
            UpkeepLog.DisarmFailed(log, self.ToString(), e.Error.Text);
        }

        Volatile.Write(ref _disarming, 0);
    }
}
