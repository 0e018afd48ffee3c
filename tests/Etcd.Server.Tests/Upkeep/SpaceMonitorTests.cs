using System.Diagnostics.Metrics;
using Etcd.Server.Apply.Alarms;
using Etcd.Server.Hosting.Upkeep;
using Etcd.Server.Node;
using Etcd.Server.Storage;
using Etcd.Server.Tests.Node;

namespace Etcd.Server.Tests.Upkeep;

/// <summary>The warning at 80 % of the quota, and the alarm that is lowered by itself. Method: <see cref="TestCluster"/> with its fake clock.</summary>
public sealed class SpaceMonitorTests
{
    private const long Quota = 1000;
    private const string Warning = "the store has taken most of its quota";

    private readonly TestCluster _cluster = new(1);
    private readonly RecordingLog _log = new();
    private readonly TestMember _member;

    public SpaceMonitorTests()
    {
        _member = _cluster.Elect();
        _member.QuotaBytes = Quota;
        _member.Crash();
        _member.Boot();
        _cluster.Elect();
    }

    private RaisedAlarm Alarm => new(_member.Id, AlarmKind.NoSpace);

    [Fact]
    public void AtFourFifthsOfTheQuotaItWarnsOnce()
    {
        SpaceMonitor monitor = New();
        Run(monitor, 799);
        Assert.Empty(_log.Messages);
        Assert.False(monitor.IsNearlyFull);
        Run(monitor, 800);
        Run(monitor, 900);
        Assert.Equal([Warning], _log.Messages);
        Assert.True(monitor.IsNearlyFull);
        Assert.Equal(0.9, monitor.UsedShare);

        // To and fro at the threshold is no news; a store that was emptied and fills again is.
        Run(monitor, 790);
        Run(monitor, 810);
        Assert.Single(_log.Messages);
        Run(monitor, 700);
        Run(monitor, 800);
        Assert.Equal([Warning, Warning], _log.Messages);
    }

    [Fact]
    public void WithoutAQuotaNothingIsNearlyFull()
    {
        _member.QuotaBytes = -1;
        _member.Crash();
        _member.Boot();
        SpaceMonitor monitor = New();
        Run(monitor, long.MaxValue);
        Assert.Empty(_log.Messages);
        Assert.Equal(0, monitor.UsedShare);
    }

    [Fact]
    public void TheAlarmIsLoweredOnceEnoughHasBeenFreeForAWhile()
    {
        SpaceMonitor monitor = New(disarms: true);
        Raise(Alarm);
        Run(monitor, 950, looks: 30);
        Assert.Contains(Alarm, _member.Alarms.Raised);
        Run(monitor, 799, looks: 9);
        Run(monitor, 800);
        Run(monitor, 799, looks: 9);
        Assert.Contains(Alarm, _member.Alarms.Raised);
        Run(monitor, 799);
        Assert.Empty(_member.Alarms.Raised);
    }

    [Fact]
    public void ItIsNotLoweredUnlessAskedForNorAreOthers()
    {
        Raise(Alarm);
        Run(New(), 0, looks: 30);
        Assert.Equal([Alarm], _member.Alarms.Raised);
        RaisedAlarm others = new(new Primitives.MemberId(99), AlarmKind.NoSpace);
        RaisedAlarm corrupt = new(_member.Id, AlarmKind.Corrupt);
        Raise(others);
        Raise(corrupt);
        Run(New(disarms: true), 0, looks: 30);
        Assert.Equal([others, corrupt], _member.Alarms.Raised);
    }

    [Fact]
    public void ItsFiguresAreInstruments()
    {
        SpaceMonitor monitor = New();
        Raise(Alarm);
        Run(monitor, 850);
        var integrity = new IntegrityFigures();
        integrity.CountDamage();
        integrity.CountRepairFromMember();
        using var metrics = new UpkeepMetrics(_member.Id, _member.Quota, monitor, _member.Alarms, integrity, new MvccStore());
        var found = new SortedDictionary<string, double>(StringComparer.Ordinal);
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == UpkeepMetrics.MeterName && instrument.Meter.Tags!.Any(t => Equals(t.Value, _member.Id.ToString())))
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((i, value, tags, _) => found[tags.Length == 0 ? i.Name : $"{i.Name} {tags[0].Value}"] = value);
        listener.SetMeasurementEventCallback<int>((i, value, tags, _) =>
            found[tags.Length == 0 ? i.Name : $"{i.Name} {tags[0].Value} {tags[1].Value}"] = value);
        listener.SetMeasurementEventCallback<double>((i, value, _, _) => found[i.Name] = value);
        listener.Start();
        listener.RecordObservableInstruments();
        Assert.Equal(
            new SortedDictionary<string, double>
            {
                [$"etcd.server.alarms {_member.Id} NOSPACE"] = 1,
                ["etcd.server.quota.limit"] = Quota,
                ["etcd.server.quota.nearly_full"] = 1,
                ["etcd.server.quota.used"] = 850,
                ["etcd.server.quota.used_share"] = 0.85,
                ["etcd.server.store.damages"] = 1,
                ["etcd.server.store.repair_failures"] = 0,
                ["etcd.server.store.repairs member"] = 1,
                ["etcd.server.store.repairs memory"] = 0,
                ["etcd.server.store.scrubbed"] = 0,
                ["etcd.server.store.scrubs"] = 0,
            },
            found);
    }

    private SpaceMonitor New(bool disarms = false) => new(
        _member.Node, _member.Id, _member.Alarms, _member.Quota, disarms, _cluster.Clock, _log);

    private void Raise(RaisedAlarm alarm)
    {
        _member.Node.ProposeAsync(RaftCommand.Create(RaftCommandKind.Alarm, AlarmCommands.Raise(alarm)));
        _cluster.Tick(2);
        Assert.Contains(alarm, _member.Alarms.Raised);
    }

    private void Run(SpaceMonitor monitor, long size, int looks = 1)
    {
        _member.Size.SizeBytes = size;
        for (int i = 0; i < looks * 10; i++)
        {
            _cluster.Tick();
            monitor.Tick();
        }

        _cluster.Run();
    }
}
