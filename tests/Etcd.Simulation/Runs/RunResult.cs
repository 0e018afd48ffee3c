using Etcd.Simulation.Checkers;
using Etcd.Simulation.Faults;

namespace Etcd.Simulation.Runs;

/// <summary>What a run led to.</summary>
internal sealed record RunResult(ulong Seed, SwarmOptions Options, ulong TraceHash, TimeSpan Simulated, SimulationFailure? Failure, RunCounts Counts)
{
    /// <summary>One line that says all that is needed to see it again.</summary>
    public string FailureLine(string? mutation = null) =>
        $"seed {Seed} failed after {Simulated.TotalSeconds:F3} s: {Failure!.Message} [{Options}] "
        + $"repeat: dotnet run -c Release --project tests/Etcd.Simulation -- --seed {Seed}{(mutation is null ? "" : " --mutation " + mutation)} --trace";
}

/// <summary>How much a run did.</summary>
internal readonly record struct RunCounts(
    long Events, long Messages, long Entries, long Answers, long Reads, int Elections, int Faults, long Snapshots, int MembershipChanges)
{
    public static RunCounts operator +(RunCounts a, RunCounts b) => new(
        a.Events + b.Events,
        a.Messages + b.Messages,
        a.Entries + b.Entries,
        a.Answers + b.Answers,
        a.Reads + b.Reads,
        a.Elections + b.Elections,
        a.Faults + b.Faults,
        a.Snapshots + b.Snapshots,
        a.MembershipChanges + b.MembershipChanges);

    public override string ToString() =>
        $"{Events} events, {Messages} messages, {Entries} entries, {Answers} commands answered, {Reads} reads, {Elections} elections, {Faults} faults, {Snapshots} snapshots, {MembershipChanges} changes of the members";
}
