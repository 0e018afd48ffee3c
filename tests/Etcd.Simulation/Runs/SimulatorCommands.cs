using System.Diagnostics;
using System.Globalization;
using Etcd.Simulation.Mutations;

namespace Etcd.Simulation.Runs;

/// <summary>The command line; docs/simulation.md tells how to use it.</summary>
internal static class SimulatorCommands
{
    /// <summary>Seeds within which each mutation must be found.</summary>
    public const int MutationSeeds = 1000;

    private const string Usage = """
        --seed N [--trace] [--mutation NAME]       one run; --trace tells all that happens
        --from A --count N [--jobs J] [--no-record] N runs; a line is added to docs/consistency.md unless --no-record
        --mutations [--mutation NAME]              runs the simulator against members that are wrong, until it notices
        --help-simulation                          this
        Anything else goes to xunit.
        """;

    private static readonly string[] Commands = ["--seed", "--from", "--mutations", "--help-simulation"];

    /// <summary>Whether a command line is the simulator's, and not xunit's.</summary>
    public static bool IsFor(string[] args) => args.Any(Commands.Contains);

    public static int Run(string[] args)
    {
        string? mutation = Value(args, "--mutation");
        if (args.Contains("--help-simulation"))
        {
            Console.WriteLine(Usage);
            return 0;
        }

        if (Value(args, "--seed") is { } seed)
        {
            return RunOne(Number(seed), args.Contains("--trace"), mutation);
        }

        if (args.Contains("--mutations"))
        {
            return RunMutations(mutation);
        }

        return RunRange(
            Number(Value(args, "--from") ?? "1"),
            (int)Number(Value(args, "--count") ?? "100"),
            (int)Number(Value(args, "--jobs") ?? "1"),
            !args.Contains("--no-record"));
    }

    /// <summary>The first seed that finds a mutation.</summary>
    public static (RunResult? Found, int Seeds) Find(string mutation, ulong from, int count)
    {
        for (int i = 0; i < count; i++)
        {
            RunResult result = new Simulator(from + (ulong)i, mutation: AllMutations.ByName[mutation]()).Run();
            if (result.Failure is not null)
            {
                return (result, i + 1);
            }
        }

        return (null, count);
    }

    private static int RunOne(ulong seed, bool trace, string? mutation)
    {
        RunResult result = new Simulator(seed, trace ? Console.Out : null, mutation is null ? null : AllMutations.ByName[mutation]()).Run();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"seed {seed} hash {result.TraceHash:x16} simulated {result.Simulated.TotalSeconds:F1} s {result.Counts}"));
        Console.WriteLine(result.Options);
        if (result.Failure is null)
        {
            return 0;
        }

        Console.WriteLine(result.FailureLine(mutation));
        if (result.Failure.InnerException is { } inner)
        {
            Console.WriteLine(inner);
        }

        return 1;
    }

    private static int RunRange(ulong from, int count, int jobs, bool record)
    {
        long began = Stopwatch.GetTimestamp();
        var failures = new List<RunResult>();
        var simulated = TimeSpan.Zero;
        RunCounts sum = default;
        Lock gate = new();
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = jobs }, i =>
        {
            RunResult result = new Simulator(from + (ulong)i).Run();
            lock (gate)
            {
                simulated += result.Simulated;
                sum += result.Counts;
                if (result.Failure is not null)
                {
                    failures.Add(result);
                    Console.WriteLine(result.FailureLine());
                }
            }
        });
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        double cpu = Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{count} seeds from {from}: {failures.Count} failed; {simulated.TotalHours:F1} simulated hours; {seconds:F1} s, {count / seconds:F1} seeds per second, {cpu / count * 1000:F0} ms of CPU each; {sum}"));
        if (record)
        {
            ConsistencyLedger.Append(from, count, simulated, failures);
        }

        return failures.Count == 0 ? 0 : 1;
    }

    private static int RunMutations(string? only)
    {
        int missed = 0;
        foreach (string name in AllMutations.ByName.Keys.Where(name => only is null || name == only))
        {
            (RunResult? found, int seeds) = Find(name, 1, MutationSeeds);
            Console.WriteLine(found is null
                ? $"{name}: NOT FOUND in {seeds} seeds"
                : $"{name}: found by seed {seeds}: {found.Failure!.Message}");
            missed += found is null ? 1 : 0;
        }

        return missed == 0 ? 0 : 1;
    }

    private static ulong Number(string text) => ulong.Parse(text, CultureInfo.InvariantCulture);

    private static string? Value(string[] args, string name)
    {
        int at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
    }
}
