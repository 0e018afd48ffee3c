using System.Diagnostics;
using System.Globalization;
using System.Text;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Bench;

/// <summary>
/// The consensus core alone: three members in one thread, in memory. A batch is proposed to the leader and taken through
/// appends, answers and commitment until all three have applied it; what a disk and a network would do is left out, so the
/// figure is the core's own cost.
/// </summary>
internal static class RaftCommand
{
    private const int ValueBytes = 256;

    public static int Run(CommandLine options, CancellationToken stop)
    {
        double seconds = options.Number("seconds", 3, 0.1);
        int passes = options.Integer("passes", 3, 1, 99);
        string? markdown = options.Text("markdown");
        options.RequireAllTaken();
        var table = new StringBuilder();
        table.AppendLine("| members | entries in a batch | entries/s of one core | ns of CPU per entry | bytes allocated per entry, leader and followers |");
        table.AppendLine("| ---: | ---: | ---: | ---: | ---: |");
        foreach (int members in (int[])[1, 3])
        {
            foreach (int batch in (int[])[1, 10, 100])
            {
                // Warm-up: the code is compiled in its last form, and chunks and queues have their size.
                _ = Measure(members, batch, 1, stop);
                (double PerSecond, double Bytes)[] runs =
                    [.. Enumerable.Range(0, passes).Select(_ => Measure(members, batch, seconds, stop)).OrderBy(r => r.PerSecond)];
                (double perSecond, double bytes) = runs[passes / 2];
                table.AppendLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {members} | {batch} | {perSecond:N0} | {1e9 / perSecond:F0} | {bytes:F1} |"));
            }
        }

        Console.Write(table);
        if (markdown is not null)
        {
            File.WriteAllText(markdown, Page(table.ToString(), passes, seconds));
        }

        return 0;
    }

    private static (double PerSecond, double Bytes) Measure(int members, int batch, double seconds, CancellationToken stop)
    {
        var cluster = new InMemoryCluster(members, batch, ValueBytes);
        cluster.RunFor(0.2, stop);
        GC.Collect();
        long before = GC.GetAllocatedBytesForCurrentThread();
        // Time of the processor, the collector's included: what else runs on the machine does not count.
        TimeSpan began = Environment.CpuUsage.TotalTime;
        long entries = cluster.RunFor(seconds, stop);
        double elapsed = (Environment.CpuUsage.TotalTime - began).TotalSeconds;
        return (entries / elapsed, (double)(GC.GetAllocatedBytesForCurrentThread() - before) / entries);
    }

    private static string Page(string table, int passes, double seconds) =>
        $"""
        # The consensus core alone

        Written by `dotnet run -c Release --project bench -- raft --markdown bench/RESULTS-raft.md`. Medians of {passes} passes of {seconds} s on
        {Machine()}; .NET {Environment.Version}. One thread runs all members; every batch goes from its proposal through append, answers and commit until all
        have applied it, on all members together. Values of {ValueBytes} bytes, made before: what is allocated is the core's. No disk, no network.

        {table}
        An entry's place in a leader's log has 40 bytes, and messages point into it; it is the one thing that is allocated per entry. A follower's
        log and a sole voter's, which nobody points into, are used again.

        """;

    private static string Machine() =>
        (File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "an unknown processor")
        + $", {Environment.ProcessorCount} processors";

    private sealed class InMemoryCluster
    {
        private readonly RaftNode[] _members;
        private readonly Ready _ready = new();
        private readonly Message _proposal;
        private List<Message> _network = [];
        private List<Message> _delivering = [];

        public InMemoryCluster(int members, int batch, int valueBytes)
        {
            MemberId[] ids = [.. Enumerable.Range(1, members).Select(n => new MemberId((ulong)n))];
            _members = [.. ids.Select(id => new RaftNode(
                new RaftOptions { Id = id, Random = static _ => 0 },
                new RecoveredLog(default, null, [], default, new ConfState(ids, []))))];
            _members[0].Step(new Message { Type = MessageType.Hup });
            Settle();
            Invariant.Check(_members[0].Role == RaftRole.Leader, "the first member is elected");
            byte[] value = new byte[valueBytes];
            Entry[] entries = [.. Enumerable.Repeat(new Entry(default, default, EntryType.Normal, value), batch)];
            _proposal = new Message { Type = MessageType.Prop, Entries = entries };
        }

        public long RunFor(double seconds, CancellationToken stop)
        {
            long end = Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency);
            long entries = 0;
            while (Stopwatch.GetTimestamp() < end)
            {
                stop.ThrowIfCancellationRequested();
                for (int i = 0; i < 100; i++)
                {
                    _members[0].Step(_proposal);
                    Settle();
                    entries += _proposal.Entries.Length;
                }
            }

            Invariant.Check(_members[^1].Applied == _members[0].LastIndex, "everything is applied everywhere");
            return entries;
        }

        private void Settle()
        {
            for (bool any = true; any;)
            {
                any = false;
                foreach (RaftNode member in _members)
                {
                    while (member.HasReady)
                    {
                        any = true;
                        Work(member);
                    }
                }

                (_network, _delivering) = (_delivering, _network);
                foreach (Message message in _delivering)
                {
                    any = true;
                    _members[message.To.Value - 1].Step(message);
                }

                _delivering.Clear();
            }
        }

        private void Work(RaftNode member)
        {
            member.Ready(_ready);
            if (_ready.Entries.Count > 0)
            {
                member.OnAppended(_ready.Entries[^1].Index, _ready.Entries[^1].Term);
            }

            if (_ready.CommittedEntries.Count > 0)
            {
                member.OnApplied(_ready.CommittedEntries[^1].Index);
            }

            _network.AddRange(_ready.Messages);
            _network.AddRange(_ready.MessagesAfterAppend);
        }
    }
}
