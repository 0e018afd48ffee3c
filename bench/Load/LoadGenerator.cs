using System.Diagnostics;

namespace Etcd.Bench.Load;

/// <summary>Runs one load from its start to its end and measures the part between ramp and end.</summary>
internal static class LoadGenerator
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(5);

    /// <exception cref="LoadFailedException">The load did not come up, or a worker lost all its connections.</exception>
    public static LoadResult Run(LoadOptions options, IReadOnlyList<int> serverProcesses, CancellationToken cancellationToken)
    {
        int threads = Math.Min(options.Threads, options.ConnectionCount);
        LoadWorker[] workers = [.. Enumerable.Range(0, threads).Select(index => new LoadWorker(options, index, threads))];
        try
        {
            foreach (LoadWorker worker in workers)
                worker.Start();
            return Measure(options, workers, serverProcesses, cancellationToken);
        }
        finally
        {
            SetPhase(workers, LoadPhase.Draining);
            foreach (LoadWorker worker in workers)
            {
                worker.Join();
                worker.Dispose();
            }
        }
    }

    private static LoadResult Measure(
        LoadOptions options, LoadWorker[] workers, IReadOnlyList<int> serverProcesses, CancellationToken cancellationToken)
    {
        bool counted = options.CallsMax > 0;
        if (counted)
            SetPhase(workers, LoadPhase.Measuring);
        WaitUntil(() => workers.All(worker => worker.Running || worker.Ended), cancellationToken);
        Require(workers, counted);
        if (!counted)
            Sleep(options.Ramp, cancellationToken);

        var before = CpuSample.Take(serverProcesses);
        SetPhase(workers, LoadPhase.Measuring);
        if (counted)
            WaitUntil(() => workers.All(w => w.Ended) || workers.Sum(w => w.CallsDone) >= options.CallsMax, cancellationToken);
        else
            SleepWhileItGoesOn(options, workers, cancellationToken);
        SetPhase(workers, LoadPhase.Draining);
        var after = CpuSample.Take(serverProcesses);
        foreach (LoadWorker worker in workers)
            worker.Join();
        return Combine(workers, before, after);
    }

    private static LoadResult Combine(LoadWorker[] workers, CpuSample before, CpuSample after)
    {
        var latency = new LatencyHistogram();
        var errors = new ErrorTally();
        foreach (LoadWorker worker in workers)
        {
            latency.Add(worker.Latency);
            errors.Add(worker.Errors);
        }
        if (latency.Count == 0)
            throw new LoadFailedException(Describe(errors));
        return new LoadResult
        {
            Elapsed = Stopwatch.GetElapsedTime(before.Timestamp, after.Timestamp),
            Latency = latency,
            Errors = errors,
            GeneratorCpu = after.Own - before.Own,
            ServerCpu = after.Server - before.Server,
            OtherCpuShare = after.OtherShareSince(before),
        };
    }

    private static void Require(LoadWorker[] workers, bool mayHaveEnded)
    {
        LoadWorker? failed = Array.Find(workers, worker => worker.Ended && !(mayHaveEnded && worker.Running));
        if (failed is not null)
            throw new LoadFailedException(Describe(failed.Errors));
    }

    private static string Describe(ErrorTally errors) =>
        errors.Total == 0 ? "no call ended" : string.Join("; ", errors.MostFrequent.Take(3).Select(e => $"{e.Key} ({e.Value}x)"));

    private static void SetPhase(LoadWorker[] workers, LoadPhase phase)
    {
        foreach (LoadWorker worker in workers)
            worker.Phase = phase;
    }

    private static void SleepWhileItGoesOn(LoadOptions options, LoadWorker[] workers, CancellationToken cancellationToken)
    {
        Sleep(options.Duration, cancellationToken);
        if (options.GoesOn is { } goesOn)
            WaitUntil(() => !goesOn() || workers.All(w => w.Ended), cancellationToken);
    }

    private static void WaitUntil(Func<bool> condition, CancellationToken cancellationToken)
    {
        while (!condition())
            Sleep(PollInterval, cancellationToken);
    }

    private static void Sleep(TimeSpan time, CancellationToken cancellationToken)
    {
        cancellationToken.WaitHandle.WaitOne(time);
        cancellationToken.ThrowIfCancellationRequested();
    }
}
