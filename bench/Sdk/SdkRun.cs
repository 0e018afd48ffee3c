using System.Buffers.Binary;
using System.Diagnostics;
using Etcd.Bench.Load;

namespace Etcd.Bench.Sdk;

/// <summary>Measures one client at a time.</summary>
/// <param name="seconds">How long calls are made.</param>
/// <param name="valueBytes">The size of values.</param>
/// <param name="serverProcesses">The server, whose processor time is neither the client's nor somebody else's.</param>
internal sealed class SdkRun(double seconds, int valueBytes, IReadOnlyList<int> serverProcesses)
{
    /// <summary>The values of watched puts begin with their time.</summary>
    public const int ValueBytesMin = sizeof(long);

    private const int Keys = 1000;
    private const int PutsMin = 100;
    private const int EventsPerSecond = 100_000;
    private const int PutsPerSecond = 10_000;
    private const int PutsAtOnce = 20;

    private readonly byte[][] _keys = [.. Enumerable.Range(0, Keys).Select(i => System.Text.Encoding.ASCII.GetBytes($"sdk{i:d8}"))];
    private readonly byte[] _value = new byte[valueBytes];

    public Task<SdkFigures> MeasureAsync(string operation, ISubject subject, int callers, CancellationToken stop) => operation switch
    {
        "put" => CallsAsync(callers, key => subject.PutAsync(key, _value), stop),
        "get" => CallsAsync(callers, subject.GetAsync, stop),
        _ => WatchesAsync(subject, callers, stop),
    };

    // All watches see each put. The puts are made by the client that is measured, so both sides pay for them.
    private async Task<SdkFigures> WatchesAsync(ISubject subject, int watches, CancellationToken stop)
    {
        int puts = (int)(seconds * Math.Clamp(EventsPerSecond / watches, PutsMin, PutsPerSecond));
        long expected = (long)puts * watches;
        long seen = 0;
        var latencies = new Latencies();
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await subject.WatchAsync(_keys[0], watches, OnEvent, ending.Token).ConfigureAwait(false);

        Meter meter = StartMeter();
        for (int i = 0; i < puts; i += PutsAtOnce)
            await Task.WhenAll(Enumerable.Range(0, Math.Min(PutsAtOnce, puts - i)).Select(
                _ => subject.PutAsync(_keys[0], ValueOfNow()).AsTask())).ConfigureAwait(false);
        await all.Task.WaitAsync(stop).ConfigureAwait(false);
        SdkFigures figures = meter.Stop(latencies);
        await ending.CancelAsync().ConfigureAwait(false);
        return figures;

        void OnEvent(int watch, ReadOnlySpan<byte> value)
        {
            latencies.Record(watch, BinaryPrimitives.ReadInt64LittleEndian(value), Stopwatch.GetTimestamp());
            if (Interlocked.Increment(ref seen) == expected)
                all.SetResult();
        }
    }

    private byte[] ValueOfNow()
    {
        byte[] value = new byte[valueBytes];
        BinaryPrimitives.WriteInt64LittleEndian(value, Stopwatch.GetTimestamp());
        return value;
    }

    private async Task<SdkFigures> CallsAsync(int callers, Func<byte[], ValueTask> call, CancellationToken stop)
    {
        var latencies = new Latencies();
        Meter meter = StartMeter();
        long end = Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency);
        await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(() => CallAsync(caller, latencies, call, end, stop), stop))).ConfigureAwait(false);
        return meter.Stop(latencies);
    }

    private async Task CallAsync(int caller, Latencies latencies, Func<byte[], ValueTask> call, long end, CancellationToken stop)
    {
        int at = caller * 7;
        long now = Stopwatch.GetTimestamp();
        while (now < end)
        {
            stop.ThrowIfCancellationRequested();
            await call(_keys[at++ % Keys]).ConfigureAwait(false);
            long done = Stopwatch.GetTimestamp();
            latencies.Record(caller, now, done);
            now = done;
        }
    }

    private Meter StartMeter()
    {
        GC.Collect();
        return new Meter(serverProcesses, CpuSample.Take(serverProcesses), GC.GetTotalAllocatedBytes(precise: true));
    }

    private sealed record Meter(IReadOnlyList<int> Servers, CpuSample Cpu, long Bytes)
    {
        public SdkFigures Stop(Latencies latencies)
        {
            var cpu = CpuSample.Take(Servers);
            long bytes = GC.GetTotalAllocatedBytes(precise: true) - Bytes;
            LatencyHistogram total = latencies.Total();
            double count = total.Count;
            return new SdkFigures(
                count / Stopwatch.GetElapsedTime(Cpu.Timestamp, cpu.Timestamp).TotalSeconds,
                total.Percentile(50),
                total.Percentile(99),
                bytes / count,
                (cpu.Own - Cpu.Own).TotalMicroseconds / count,
                cpu.OtherShareSince(Cpu) * 100);
        }
    }
}
