namespace Etcd.Bench.Load;

/// <summary>What a run measured, between its ramp and its end.</summary>
internal sealed record LoadResult
{
    public required TimeSpan Elapsed { get; init; }

    public required LatencyHistogram Latency { get; init; }

    public required ErrorTally Errors { get; init; }

    /// <summary>CPU time of this process, user and system.</summary>
    public required TimeSpan GeneratorCpu { get; init; }

    /// <summary>CPU time of the servers' processes together, if their ids were given.</summary>
    public required TimeSpan? ServerCpu { get; init; }

    /// <summary>The share of the machine's processors that other processes took: above some percent, nothing here is worth much.</summary>
    public required double OtherCpuShare { get; init; }

    public long Calls => Latency.Count;

    public double CallsPerSecond => Calls / Elapsed.TotalSeconds;

    public double GeneratorMicrosecondsPerCall => GeneratorCpu.TotalMicroseconds / Calls;

    public double? ServerMicrosecondsPerCall => ServerCpu?.TotalMicroseconds / Calls;
}
