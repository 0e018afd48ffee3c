using System.Diagnostics.Metrics;
using Etcd.Server.Apply.Alarms;
using Etcd.Server.Apply.Space;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Hosting.Upkeep;

/// <summary>Figures of a member's space and alarms, as instruments of the meter <see cref="MeterName"/>.</summary>
internal sealed class UpkeepMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Etcd.Server";

    private readonly Meter _meter;

    /// <summary>Makes the instruments.</summary>
    /// <param name="self">This member: a tag of all of them.</param>
    /// <param name="quota">The quota.</param>
    /// <param name="space">How full it is.</param>
    /// <param name="alarms">The alarms.</param>
    /// <param name="integrity">Damage and repairs.</param>
    /// <param name="store">What is scrubbed.</param>
    public UpkeepMetrics(
        MemberId self, SpaceQuota quota, SpaceMonitor space, AlarmBoard alarms, IntegrityFigures integrity, MvccStore store)
    {
        _meter = new Meter(new MeterOptions(MeterName) { Tags = [new("etcd.member.id", self.ToString())] });
        _meter.CreateObservableGauge("etcd.server.quota.limit", () => quota.Bytes, "By", "What the store may take; below zero for no limit.");
        _meter.CreateObservableGauge("etcd.server.quota.used", () => quota.UsedBytes, "By", "What the store takes.");
        _meter.CreateObservableGauge("etcd.server.quota.used_share", () => space.UsedShare, "1", "What the store takes of the quota.");
        _meter.CreateObservableGauge(
            "etcd.server.quota.nearly_full", () => space.IsNearlyFull ? 1 : 0, "1", "1 if the store takes 80 % of the quota or more.");
        _meter.CreateObservableCounter("etcd.server.store.damages", () => integrity.Damages, "{place}", "Places of the store that were found damaged.");
        _meter.CreateObservableCounter("etcd.server.store.repairs", () => Measure(integrity), "{repair}", "Repairs of the store, by where the data came from.");
        _meter.CreateObservableCounter(
            "etcd.server.store.repair_failures", () => integrity.RepairFailures, "{try}", "Tries to repair the store that came to nothing.");
        _meter.CreateObservableCounter("etcd.server.store.scrubbed", () => store.ScrubbedBytes, "By", "Bytes of the store that were read to check them.");
        _meter.CreateObservableCounter("etcd.server.store.scrubs", () => store.Scrubs, "{pass}", "How often everything in the store was checked.");
        _meter.CreateObservableGauge("etcd.server.alarms", () => Measure(alarms), "{alarm}", "1 for each alarm that is raised.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<long>> Measure(IntegrityFigures integrity) =>
    [
        new(integrity.RepairsFromMemory, new KeyValuePair<string, object?>("source", "memory")),
        new(integrity.RepairsFromMembers, new KeyValuePair<string, object?>("source", "member")),
    ];

    private static IEnumerable<Measurement<int>> Measure(AlarmBoard alarms) => alarms.Raised.Select(alarm => new Measurement<int>(
        1, new KeyValuePair<string, object?>("server_id", alarm.Member.ToString()), new("alarm_type", alarm.Kind.ToString().ToUpperInvariant())));
}
