using System.Diagnostics;
using System.Globalization;
using Etcd.Bench.Compare;
using Etcd.Bench.Load;

namespace Etcd.Bench.Store;

/// <summary>
/// Puts at half of the most that a server can, in an open loop: while nothing else happens, beside a compaction until the space that it frees
/// is back, beside a Defragment, and again while nothing happens. The history before holds exactly the revisions that are to be dropped.
/// </summary>
internal sealed class LoadedRun(RunningServer server, int clients, long revisions, TimeSpan phase)
{
    private const int Keys = 100_000;
    private const int KeyBytes = 8;
    private const int ValueBytes = 256;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan MaximumTime = TimeSpan.FromSeconds(3);

    // Work that does not end by then is no longer waited for, and the run says so.
    private static readonly TimeSpan WorkMax = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan SettleMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);

    private readonly ServerMember _member = server.Members[0];

    public LoadedFigures Run(CancellationToken cancellationToken)
    {
        Put(Load with { CallsMax = Keys, KeyOrder = KeyOrder.Sequential }, cancellationToken);
        Put(Load with { Duration = WarmUp }, cancellationToken);
        LoadResult maximum = Put(Load with { Duration = MaximumTime }, cancellationToken);
        double rate = Math.Round(maximum.CallsPerSecond / 2);
        Say($"{maximum.CallsPerSecond:0} puts/s at the most; {rate:0}/s are offered");

        // What was there so far is dropped before, so that what is dropped beside the load is what was said.
        Compact(Revision(cancellationToken), cancellationToken);
        SpaceWatch.WaitUntilFreed(_member.Folder, PollInterval, SettleMax, cancellationToken);
        Put(Load with { CallsMax = revisions }, cancellationToken);
        long last = Revision(cancellationToken);
        LoadOptions half = Load with { Rate = rate, Duration = phase };
        List<LoadedPhase> phases =
        [
            Beside("nothing", half, null, cancellationToken),
            Beside($"a compaction of {revisions} revisions", half, () => CompactWhole(last, cancellationToken), cancellationToken),
            Beside("a Defragment", half, () => Defragment(cancellationToken), cancellationToken),
            Beside("nothing, after them", half, null, cancellationToken),
        ];
        return new LoadedFigures { MaximumPerSecond = maximum.CallsPerSecond, Rate = rate, Revisions = revisions, Phases = phases };
    }

    private LoadOptions Load => new()
    {
        Host = "127.0.0.1",
        Ports = [_member.Port],
        Workload = WorkloadKind.Put,
        Clients = clients,
        KeyBytes = KeyBytes,
        ValueBytes = ValueBytes,
        KeySpace = Keys,
    };

    private LoadedPhase Beside(string name, LoadOptions load, Func<TimeSpan>? work, CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        TimeSpan took = TimeSpan.Zero;
        Task beside = work is null ? Task.CompletedTask : Task.Run(() =>
        {
            // When the load flows and is counted.
            cancellationToken.WaitHandle.WaitOne(load.Ramp * 3);
            took = work();
        }, cancellationToken);
        LoadResult result = Put(load with { GoesOn = () => !beside.IsCompleted && Stopwatch.GetElapsedTime(began) < WorkMax }, cancellationToken);
        if (!beside.IsCompleted)
            Say($"{name}: not over after {WorkMax.TotalSeconds:0} s");

        beside.GetAwaiter().GetResult();
        var found = LoadedPhase.From(name, result, took);
        Say($"beside {name}: {found.CallsPerSecond:0}/s, p99 {found.P99Milliseconds:0.0} ms, longest {found.MaxMilliseconds:0} ms, server {found.ServerMicrosecondsPerCall:0.0} us, {took.TotalSeconds:0.0} s of work, others {found.OtherCpuPercent:0}%");
        return found;
    }

    // Until the space is back.
    private TimeSpan CompactWhole(long revision, CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        Compact(revision, cancellationToken);
        return Stopwatch.GetElapsedTime(began, SpaceWatch.WaitUntilFreed(_member.Folder, PollInterval, SettleMax, cancellationToken));
    }

    private TimeSpan Defragment(CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        Call("Maintenance/Defragment", [], cancellationToken);
        return Stopwatch.GetElapsedTime(began);
    }

    private LoadResult Put(LoadOptions load, CancellationToken cancellationToken)
    {
        LoadResult result = LoadGenerator.Run(load, [_member.ProcessId], cancellationToken);
        return result.Errors.Total == 0 ? result : throw server.Explain($"puts failed: {result.Errors.MostFrequent.First().Key}");
    }

    private long Revision(CancellationToken cancellationToken) =>
        (long)(GrpcCall.Status(_member.Port, cancellationToken) ?? throw server.Explain("it does not answer")).Revision;

    // Physical: answered when all is dropped.
    private void Compact(long revision, CancellationToken cancellationToken) =>
        Call("KV/Compact", [0x08, .. Protobuf.Varint((ulong)revision), 0x10, 1], cancellationToken);

    private void Call(string method, byte[] request, CancellationToken cancellationToken)
    {
        if (GrpcCall.SendAsync(_member.Port, method, request, cancellationToken).GetAwaiter().GetResult() is null)
            throw server.Explain($"{method} failed");
    }

    private static void Say(FormattableString what) => Console.WriteLine("  " + what.ToString(CultureInfo.InvariantCulture));
}
