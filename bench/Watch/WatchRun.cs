using System.Diagnostics;
using System.Globalization;
using Etcd.Bench.Compare;
using Etcd.Bench.Load;
using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;
using Grpc.Net.Client;

namespace Etcd.Bench.Watch;

/// <summary>What one measure found; NaN where it does not apply.</summary>
internal sealed record WatchFigures
{
    public double PerSecond { get; init; } = double.NaN;

    public double P50Milliseconds { get; init; } = double.NaN;

    public double P99Milliseconds { get; init; } = double.NaN;

    public double ServerMicroseconds { get; init; } = double.NaN;

    public double PutsPerSecond { get; init; } = double.NaN;

    public double PutP99Milliseconds { get; init; } = double.NaN;

    /// <summary>The longest that apply was held by the watchers; of several passes the longest, not the median.</summary>
    public double ApplyHeldMilliseconds { get; init; } = double.NaN;

    /// <summary>How often that was longer than a millisecond; of several passes the sum.</summary>
    public double ApplyHeldOverOne { get; init; } = double.NaN;

    public double OtherCpuPercent { get; init; } = double.NaN;

    public static WatchFigures Median(IReadOnlyList<WatchFigures> passes) => new()
    {
        PerSecond = Medians.Of(passes, f => f.PerSecond),
        P50Milliseconds = Medians.Of(passes, f => f.P50Milliseconds),
        P99Milliseconds = Medians.Of(passes, f => f.P99Milliseconds),
        ServerMicroseconds = Medians.Of(passes, f => f.ServerMicroseconds),
        PutsPerSecond = Medians.Of(passes, f => f.PutsPerSecond),
        PutP99Milliseconds = Medians.Of(passes, f => f.PutP99Milliseconds),
        ApplyHeldMilliseconds = passes.Max(f => f.ApplyHeldMilliseconds),
        ApplyHeldOverOne = passes.Sum(f => f.ApplyHeldOverOne),
        OtherCpuPercent = Medians.Of(passes, f => f.OtherCpuPercent),
    };

    public override string ToString()
    {
        (string Text, double Value)[] all =
        [
            (string.Create(CultureInfo.InvariantCulture, $"{PerSecond:0}/s"), PerSecond),
            (string.Create(CultureInfo.InvariantCulture, $"p50 {P50Milliseconds:0.00} ms, p99 {P99Milliseconds:0.00} ms"), P50Milliseconds),
            (string.Create(CultureInfo.InvariantCulture, $"server {ServerMicroseconds:0.00} us"), ServerMicroseconds),
            (string.Create(CultureInfo.InvariantCulture, $"puts {PutsPerSecond:0}/s, p99 {PutP99Milliseconds:0.00} ms"), PutsPerSecond),
            (string.Create(CultureInfo.InvariantCulture, $"apply held <= {ApplyHeldMilliseconds:0.000} ms, {ApplyHeldOverOne:0}x over 1 ms"), ApplyHeldMilliseconds),
            (string.Create(CultureInfo.InvariantCulture, $"others {OtherCpuPercent:0}%"), OtherCpuPercent),
        ];
        return string.Join("  ", all.Where(a => !double.IsNaN(a.Value)).Select(a => a.Text));
    }
}

/// <summary>The measures, on one fresh server.</summary>
internal sealed class WatchRun(RunningServer server, WatchOptions options)
{
    /// <summary>The two measures whose puts are compared.</summary>
    public const string AloneName = "puts at half of the maximum, without watchers";

    private const int WarmUpWatchers = 500;
    private const int Together = 100;

    private static readonly TimeSpan LoadDuration = TimeSpan.FromSeconds(5);

    // Behind the load's ramp, or the beginning of the catch-up would not be seen in its figures.
    private static readonly TimeSpan LoadSettles = TimeSpan.FromSeconds(1);

    private readonly int _port = server.Ports(LoadTarget.All)[0];

    /// <summary>The most puts per second without watchers.</summary>
    public double MaximumPuts(CancellationToken cancellationToken)
    {
        LoadGenerator.Run(Puts(clients: 100), [], cancellationToken);
        return LoadGenerator.Run(Puts(clients: 1000), [], cancellationToken).CallsPerSecond;
    }

    public IEnumerable<(string Name, WatchFigures Figures)> Measure(double putRate, CancellationToken cancellationToken)
    {
        // So that a just-in-time compiler has seen the way, and settled it, before anything counts.
        long began = Stopwatch.GetTimestamp();
        do
        {
            FanOutAsync(WarmUpWatchers, Together, cancellationToken).GetAwaiter().GetResult();
        }
        while (Stopwatch.GetElapsedTime(began) < options.WarmUp);
        foreach (int watchers in options.Watchers)
            yield return ($"1 put to {watchers} watchers, per event", FanOutAsync(watchers, Together, cancellationToken).GetAwaiter().GetResult());
        yield return (
            $"1 put to {options.Watchers.Min()} watchers with a stream each, per event",
            FanOutAsync(options.Watchers.Min(), 1, cancellationToken).GetAwaiter().GetResult());
        yield return ($"{options.Watchers.Max()} watches created, per watch", CreateAsync(options.Watchers.Max(), cancellationToken).GetAwaiter().GetResult());
        yield return (AloneName, Alone(putRate, cancellationToken));
        yield return (
            BesideName(options),
            CatchUpAsync(putRate, cancellationToken).GetAwaiter().GetResult());
    }

    /// <summary>The measure of those that begin in the past.</summary>
    public static string BesideName(WatchOptions options) => $"{options.Behind} watchers from {options.History} revisions back beside such puts, per event";

    private WatchFigures Alone(double putRate, CancellationToken cancellationToken)
    {
        ApplyHeld before = ApplyHeld.ReadAsync(_port, cancellationToken).GetAwaiter().GetResult();
        LoadResult puts = LoadGenerator.Run(Puts(putRate), server.ProcessIds, cancellationToken);
        ApplyHeld held = ApplyHeld.ReadAsync(_port, cancellationToken).GetAwaiter().GetResult().Since(before);
        return WithPuts(new WatchFigures { OtherCpuPercent = puts.OtherCpuShare * 100 }, puts, held);
    }

    private static WatchFigures WithPuts(WatchFigures figures, LoadResult puts, ApplyHeld held) => figures with
    {
        PutsPerSecond = puts.CallsPerSecond,
        PutP99Milliseconds = puts.Latency.Percentile(99) / 1e6,
        ApplyHeldMilliseconds = held.LongestMilliseconds,
        ApplyHeldOverOne = held.Count == 0 ? double.NaN : held.OverOneMillisecond,
    };

    private async Task<WatchFigures> FanOutAsync(int watchers, int perStream, CancellationToken cancellationToken)
    {
        await using var crowd = new WatchCrowd(_port, watchers, perStream);
        using GrpcChannel channel = GrpcChannel.ForAddress($"http://127.0.0.1:{_port}");
        var kv = new KV.KVClient(channel);
        var put = new PutRequest { Key = ByteString.CopyFromUtf8("fan-out"), Value = ByteString.CopyFrom(new byte[256]) };
        await crowd.CreateAsync(watchers, new WatchCreateRequest { Key = put.Key }, cancellationToken).ConfigureAwait(false);
        var times = new double[options.Puts];
        CpuSample before = CpuSample.Take(server.ProcessIds);
        for (int i = 0; i < times.Length; i++)
        {
            long began = Stopwatch.GetTimestamp();
            await kv.PutAsync(put, cancellationToken: cancellationToken).ResponseAsync.ConfigureAwait(false);
            await crowd.WaitForEventsAsync((i + 1L) * watchers, cancellationToken).ConfigureAwait(false);
            times[i] = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        }
        CpuSample after = CpuSample.Take(server.ProcessIds);
        Array.Sort(times);
        return PerUnit(before, after, (long)watchers * times.Length) with
        {
            P50Milliseconds = times[times.Length / 2],
            P99Milliseconds = times[times.Length * 99 / 100],
        };
    }

    private async Task<WatchFigures> CreateAsync(int watchers, CancellationToken cancellationToken)
    {
        await using var crowd = new WatchCrowd(_port, watchers, Together);
        CpuSample before = CpuSample.Take(server.ProcessIds);
        await crowd.CreateAsync(watchers, new WatchCreateRequest { Key = ByteString.CopyFromUtf8("created") }, cancellationToken).ConfigureAwait(false);
        return PerUnit(before, CpuSample.Take(server.ProcessIds), watchers);
    }

    private async Task<WatchFigures> CatchUpAsync(double putRate, CancellationToken cancellationToken)
    {
        long start = await WriteHistoryAsync(cancellationToken).ConfigureAwait(false);
        await using var crowd = new WatchCrowd(_port, options.Behind, Together);
        ApplyHeld heldBefore = await ApplyHeld.ReadAsync(_port, cancellationToken).ConfigureAwait(false);
        Task<LoadResult> puts = Task.Factory.StartNew(
            () => LoadGenerator.Run(Puts(putRate), server.ProcessIds, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await Task.Delay(LoadSettles, cancellationToken).ConfigureAwait(false);
        CpuSample before = CpuSample.Take(server.ProcessIds);
        await crowd.CreateAsync(
            options.Behind,
            new WatchCreateRequest { Key = ByteString.CopyFromUtf8("history"), StartRevision = start },
            cancellationToken).ConfigureAwait(false);
        await crowd.WaitForEventsAsync((long)options.Behind * options.History, cancellationToken).ConfigureAwait(false);
        CpuSample after = CpuSample.Take(server.ProcessIds);
        LoadResult beside = await puts.ConfigureAwait(false);
        ApplyHeld held = await ApplyHeld.ReadAsync(_port, cancellationToken).ConfigureAwait(false);
        return WithPuts(PerUnit(before, after, (long)options.Behind * options.History), beside, held.Since(heldBefore));
    }

    // The revision of the first one.
    private async Task<long> WriteHistoryAsync(CancellationToken cancellationToken)
    {
        using GrpcChannel channel = GrpcChannel.ForAddress($"http://127.0.0.1:{_port}");
        var kv = new KV.KVClient(channel);
        var put = new PutRequest { Key = ByteString.CopyFromUtf8("history"), Value = ByteString.CopyFrom(new byte[16]) };
        long first = (await kv.PutAsync(put, cancellationToken: cancellationToken).ResponseAsync.ConfigureAwait(false)).Header.Revision;
        for (int left = options.History - 1; left > 0;)
        {
            int now = Math.Min(left, 500);
            await Task.WhenAll(Enumerable.Range(0, now).Select(_ => kv.PutAsync(put, cancellationToken: cancellationToken).ResponseAsync)).ConfigureAwait(false);
            left -= now;
        }
        return first;
    }

    private LoadOptions Puts(double rate) => Puts(clients: 1000) with { Rate = rate };

    private LoadOptions Puts(int clients) => new()
    {
        Host = "127.0.0.1",
        Ports = [_port],
        Workload = WorkloadKind.Put,
        Clients = clients,
        Duration = LoadDuration,
    };

    // The puts beside count in, as they do for the other side: the load is the same.
    private static WatchFigures PerUnit(CpuSample before, CpuSample after, long units) => new()
    {
        PerSecond = units / Stopwatch.GetElapsedTime(before.Timestamp, after.Timestamp).TotalSeconds,
        ServerMicroseconds = (after.Server - before.Server)!.Value.TotalMicroseconds / units,
        OtherCpuPercent = after.OtherShareSince(before) * 100,
    };
}
