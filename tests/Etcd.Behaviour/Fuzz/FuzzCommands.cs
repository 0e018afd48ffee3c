using System.Diagnostics;
using System.Globalization;
using Etcd.TestKit.Processes;

namespace Etcd.Behaviour.Fuzz;

/// <summary>The command line.</summary>
internal static class FuzzCommands
{
    private const string Usage = """
        --from A --count N [--jobs J] [--three] [--tight]   N sequences, J at a time
        --seed N [--three] [--tight]                        one sequence, and what came of it
            --three   ours is a cluster of three
            --tight   both servers have small limits, and tell progress all the time
        --help-fuzz                                         this
        Needs the real etcd: .ci/get-etcd brings it. Anything else goes to xunit.
        """;

    private static readonly string[] Commands = ["--seed", "--from", "--help-fuzz"];

    /// <summary>Whether a command line is for this, and not for xunit.</summary>
    public static bool IsFor(string[] args) => args.Any(Commands.Contains);

    public static async Task<int> RunAsync(string[] args)
    {
        if (args.Contains("--help-fuzz") || !RealEtcd.IsPresent)
        {
            Console.WriteLine(Usage);
            return args.Contains("--help-fuzz") ? 0 : 2;
        }

        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true;
            stop.Cancel();
        };
        var kind = new PairKind(args.Contains("--three"), args.Contains("--tight"));
        if (Value(args, "--seed") is { } seed)
        {
            return await RunOneAsync(Number(seed), kind, stop.Token);
        }

        return await RunRangeAsync(
            Number(Value(args, "--from") ?? "1"), (int)Number(Value(args, "--count") ?? "100"), (int)Number(Value(args, "--jobs") ?? "2"), kind, stop.Token);
    }

    /// <summary>The line that runs a seed again.</summary>
    public static string Again(ulong seed, PairKind kind) =>
        string.Create(CultureInfo.InvariantCulture, $"dotnet run --project tests/Etcd.Behaviour -- --seed {seed}{kind}");

    private static async Task<int> RunOneAsync(ulong seed, PairKind kind, CancellationToken cancellation)
    {
        await using Pair pair = await Pair.StartAsync(kind, cancellation);
        Verdict verdict = await pair.RunAsync(new SequenceGenerator(seed).Draw(), cancellation);
        for (int i = 0; i < Math.Min(verdict.Expected.Count, verdict.Steps.Count); i++)
        {
            Console.WriteLine($"{verdict.Steps[i]}\n    {verdict.Expected[i].ReplaceLineEndings("\n    ")}");
        }

        if (!verdict.IsDifferent)
        {
            return 0;
        }

        Console.WriteLine((await pair.ShrinkAsync(verdict, cancellation)).Report());
        return 1;
    }

    private static async Task<int> RunRangeAsync(ulong from, int count, int jobs, PairKind kind, CancellationToken cancellation)
    {
        long began = Stopwatch.GetTimestamp();
        int next = -1;
        int steps = 0;
        int different = 0;
        await Task.WhenAll(Enumerable.Range(0, jobs).Select(async _ =>
        {
            await using Pair pair = await Pair.StartAsync(kind, cancellation);
            for (int i = Interlocked.Increment(ref next); i < count; i = Interlocked.Increment(ref next))
            {
                ulong seed = from + (ulong)i;
                Verdict verdict = await pair.RunAsync(new SequenceGenerator(seed).Draw(), cancellation);
                Interlocked.Add(ref steps, verdict.Steps.Count);
                if (verdict.IsDifferent)
                {
                    Interlocked.Increment(ref different);
                    Verdict shrunk = await pair.ShrinkAsync(verdict, cancellation);
                    Console.WriteLine($"seed {seed}: {Again(seed, kind)}\n{shrunk.Report()}\n");
                }
            }
        }));
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{count} sequences from {from}, {steps} steps: {different} differ; {seconds:F0} s"));
        return different == 0 ? 0 : 1;
    }

    private static ulong Number(string text) => ulong.Parse(text, CultureInfo.InvariantCulture);

    private static string? Value(string[] args, string name)
    {
        int at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
    }
}
