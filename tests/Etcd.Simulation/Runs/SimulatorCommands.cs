using System.Diagnostics;
using System.Globalization;

namespace Etcd.Simulation.Runs;

/// <summary>The command line; docs/simulation.md lists it.</summary>
internal static class SimulatorCommands
{
    private static readonly string[] Known = ["--seed", "--from", "--mutations", "--mutation", "--help-simulation"];

    public static bool IsFor(string[] args) => args.Any(Known.Contains);

    public static int Run(string[] args)
    {
        if (Value(args, "--seed") is { } seed)
        {
            return RunOne(ulong.Parse(seed, CultureInfo.InvariantCulture), args.Contains("--trace"));
        }

        ulong from = ulong.Parse(Value(args, "--from") ?? "1", CultureInfo.InvariantCulture);
        int count = int.Parse(Value(args, "--count") ?? "100", CultureInfo.InvariantCulture);
        int jobs = int.Parse(Value(args, "--jobs") ?? "1", CultureInfo.InvariantCulture);
        return RunRange(from, count, jobs);
    }

    private static int RunOne(ulong seed, bool trace)
    {
        RunResult result = new Simulator(seed, trace ? Console.Out : null).Run();
        Console.Out.Flush();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed} hash {result.TraceHash:x16} simulated {result.Simulated.TotalSeconds:F1} s {result.Counts}"));
        Console.WriteLine(result.Options);
        if (result.Failure is null)
        {
            return 0;
        }

        Console.WriteLine(result.FailureLine());
        Console.WriteLine(result.Failure.InnerException);
        return 1;
    }

    private static int RunRange(ulong from, int count, int jobs)
    {
        long began = Stopwatch.GetTimestamp();
        var failures = new List<RunResult>();
        double simulated = 0;
        RunCounts sum = default;
        Lock gate = new();
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = jobs }, i =>
        {
            RunResult result = new Simulator(from + (ulong)i).Run();
            lock (gate)
            {
                simulated += result.Simulated.TotalHours;
                RunCounts c = result.Counts;
                sum = new RunCounts(sum.Events + c.Events, sum.Messages + c.Messages, sum.Entries + c.Entries, sum.Answers + c.Answers, sum.Reads + c.Reads, sum.Elections + c.Elections, sum.Faults + c.Faults, sum.Snapshots + c.Snapshots, sum.MembershipChanges + c.MembershipChanges);
                if (result.Failure is not null)
                {
                    failures.Add(result);
                    Console.WriteLine(result.FailureLine());
                }
            }
        });
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count} seeds from {from}: {failures.Count} failed; {simulated:F1} simulated hours; {seconds:F1} s, {count / seconds:F1} seeds per second; {sum}"));
        return failures.Count == 0 ? 0 : 1;
    }

    private static string? Value(string[] args, string name)
    {
        int at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
    }
}
