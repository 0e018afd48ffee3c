using System.Diagnostics;
using Etcd.Bench.Load;

namespace Etcd.Bench.Sdk;

/// <summary>Measures one client at a time.</summary>
/// <param name="seconds">How long calls are made.</param>
/// <param name="valueBytes">The size of values.</param>
internal sealed class SdkRun(double seconds, int valueBytes)
{
    private const int Keys = 1000;
    private const int EventsMin = 200;
    private const int EventsWanted = 200_000;
    private const int PutsAtOnce = 20;

    private readonly byte[][] _keys = [.. Enumerable.Range(0, Keys).Select(i => System.Text.Encoding.ASCII.GetBytes($"sdk{i:d8}"))];
    private readonly byte[] _value = new byte[valueBytes];

    public Task<SdkFigures> PutsAsync(ISubject subject, int callers, CancellationToken stop) =>
        CallsAsync(callers, key => subject.PutAsync(key, _value), stop);

    public Task<SdkFigures> GetsAsync(ISubject subject, int callers, CancellationToken stop) => CallsAsync(callers, subject.GetAsync, stop);

    /// <summary>All watches see each put. The puts are made by the client that is measured, so both sides pay for them.</summary>
    public async Task<SdkFigures> WatchesAsync(ISubject subject, int watches, CancellationToken stop)
    {
        int puts = Math.Max(EventsMin, EventsWanted / watches / 10);
        long expected = (long)puts * watches;
        long seen = 0;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await subject.WatchAsync(_keys[0], watches, OnEvent, ending.Token).ConfigureAwait(false);

        long before = GC.GetTotalAllocatedBytes(precise: true);
        long started = Stopwatch.GetTimestamp();
        for (int i = 0; i < puts; i += PutsAtOnce)
            await Task.WhenAll(Enumerable.Range(0, Math.Min(PutsAtOnce, puts - i)).Select(
                _ => subject.PutAsync(_keys[0], _value).AsTask())).ConfigureAwait(false);
        await all.Task.WaitAsync(stop).ConfigureAwait(false);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
        long bytes = GC.GetTotalAllocatedBytes(precise: true) - before;
        await ending.CancelAsync().ConfigureAwait(false);
        return new SdkFigures(expected / elapsed.TotalSeconds, 0, 0, (double)bytes / expected);

        void OnEvent()
        {
            if (Interlocked.Increment(ref seen) == expected)
                all.SetResult();
        }
    }

    private async Task<SdkFigures> CallsAsync(int callers, Func<byte[], ValueTask> call, CancellationToken stop)
    {
        LatencyHistogram[] histograms = [.. Enumerable.Range(0, callers).Select(_ => new LatencyHistogram())];
        GC.Collect();
        long before = GC.GetTotalAllocatedBytes(precise: true);
        long started = Stopwatch.GetTimestamp();
        long end = started + (long)(seconds * Stopwatch.Frequency);
        await Task.WhenAll(histograms.Select((histogram, caller) => Task.Run(() => CallAsync(caller, histogram, call, end, stop), stop))).ConfigureAwait(false);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
        long bytes = GC.GetTotalAllocatedBytes(precise: true) - before;
        var total = new LatencyHistogram();
        foreach (LatencyHistogram histogram in histograms)
            total.Add(histogram);
        return new SdkFigures(total.Count / elapsed.TotalSeconds, total.Percentile(50), total.Percentile(99), (double)bytes / total.Count);
    }

    private async Task CallAsync(int caller, LatencyHistogram histogram, Func<byte[], ValueTask> call, long end, CancellationToken stop)
    {
        int at = caller * 7;
        long now = Stopwatch.GetTimestamp();
        while (now < end)
        {
            stop.ThrowIfCancellationRequested();
            await call(_keys[at++ % Keys]).ConfigureAwait(false);
            long done = Stopwatch.GetTimestamp();
            histogram.Record((long)Stopwatch.GetElapsedTime(now, done).TotalNanoseconds);
            now = done;
        }
    }
}
