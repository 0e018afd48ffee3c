namespace Etcd.Bench.Load;

/// <summary>Where a run is. It only moves forward.</summary>
internal enum LoadPhase
{
    Connecting,
    Ramp,
    Measuring,
    Draining,
}
