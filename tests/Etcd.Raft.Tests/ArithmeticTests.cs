using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Raft.Quorum;
using Etcd.Server.Raft.Tracker;

namespace Etcd.Raft.Tests;

/// <summary>The arithmetic of quorums, windows and logs against the plainest code that says the same, over seeded random input.</summary>
public sealed class ArithmeticTests
{
    [Fact]
    public void TheReachedIndexIsTheHighestThatAMajorityHas()
    {
        var random = new Random(1);
        for (int run = 0; run < 20_000; run++)
        {
            ulong[] match = [.. Enumerable.Range(0, random.Next(0, 10)).Select(_ => (ulong)random.Next(0, 12))];
            ulong expected = match.Length == 0 ? 0 : match.Append(0UL).Where(i => match.Count(m => m >= i) > match.Length / 2).Max();
            Assert.Equal(expected, Majority.Reached([.. match]));
        }
    }

    [Fact]
    public void AnElectionIsWonOrLostWhenNothingCanChangeIt()
    {
        for (int voters = 1; voters <= 9; voters++)
        {
            for (int granted = 0; granted <= voters; granted++)
            {
                for (int rejected = 0; granted + rejected <= voters; rejected++)
                {
                    int open = voters - granted - rejected;
                    bool canWin = (granted + open) * 2 > voters;
                    bool mustWin = granted * 2 > voters;
                    VoteResult expected = mustWin ? VoteResult.Won : canWin ? VoteResult.Pending : VoteResult.Lost;
                    Assert.Equal(expected, Majority.Tally(granted, rejected, voters));
                }
            }
        }
    }

    [Fact]
    public void AWindowIsAQueue()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            int most = random.Next(1, 40);
            long bytesMax = random.Next(2) * random.Next(1, 200);
            var window = new Inflights(most, bytesMax);
            var model = new Queue<(ulong Index, long Bytes)>();
            ulong next = 1;
            for (int step = 0; step < 300; step++)
            {
                bool full = model.Count == most || (bytesMax > 0 && model.Sum(m => m.Bytes) >= bytesMax);
                Assert.Equal((full, model.Count, model.Sum(m => m.Bytes)), (window.IsFull, window.Count, window.Bytes));
                if (!full && random.Next(3) > 0)
                {
                    next += (ulong)random.Next(1, 5);
                    long bytes = random.Next(0, 50);
                    window.Add(new LogIndex(next), bytes);
                    model.Enqueue((next, bytes));
                }
                else
                {
                    ulong to = (ulong)Math.Max(0, (long)next - random.Next(0, 20));
                    window.FreeThrough(new LogIndex(to));
                    while (model.TryPeek(out (ulong Index, long) first) && first.Index <= to)
                    {
                        model.Dequeue();
                    }
                }

                if (random.Next(100) == 0)
                {
                    window.Clear();
                    model.Clear();
                }
            }
        }
    }

    /// <summary>Match is below Next, whatever the follower says.</summary>
    [Fact]
    public void ProgressNeverExpectsLessThanItKnows()
    {
        for (int seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            var progress = new Progress(new MemberId(1), false, new Inflights(4, 0));
            progress.Reset(default, new LogIndex((ulong)random.Next(1, 20)));
            for (int step = 0; step < 100; step++)
            {
                LogIndex Some() => new((ulong)random.Next(0, 30));
                LogIndex match = progress.Match;
                switch (random.Next(8))
                {
                    case 0: progress.BecomeProbe(); break;
                    case 1: progress.BecomeReplicate(); break;
                    case 2: progress.BecomeSnapshot(progress.Match + (ulong)random.Next(1, 5)); break;
                    case 3: progress.MaybeUpdate(Some()); break;
                    case 4: progress.MaybeDecrease(Some(), Some()); break;
                    case 5 when progress.State == ProgressState.Snapshot: progress.EndSnapshot(random.Next(2) == 0); break;
                    case 6 when !progress.IsPaused: progress.Sent(random.Next(3), 1); break;
                    default: progress.Release(); break;
                }

                Assert.True(progress.Match < progress.Next && progress.Match >= match, $"seed {seed} step {step}");
                Assert.True(progress.SentCommit < progress.Next || progress.State == ProgressState.Replicate, $"seed {seed} step {step}");
            }
        }
    }

    /// <summary>
    /// The log in memory against a list: appended, replaced, forgotten, restarted, sliced. A slice that was handed out stays as
    /// it was, whatever happens to the log afterwards.
    /// </summary>
    [Fact]
    public void TheLogInMemoryIsAList()
    {
        for (int seed = 0; seed < 30; seed++)
        {
            var random = new Random(seed);
            ulong forgotten = (ulong)random.Next(0, 3000);
            var log = new EntryChunks(new LogIndex(forgotten), new Term(1));
            var model = new List<Entry>();
            var slices = new List<(ReadOnlyMemory<Entry> Slice, Entry[] Then)>();
            ulong term = 1;
            for (int step = 0; step < 120; step++)
            {
                switch (random.Next(10))
                {
                    case < 5:
                        for (int n = random.Next(1, 600); n > 0; n--)
                        {
                            var entry = new Entry(new Term(term), log.Last.Next, EntryType.Normal, new byte[random.Next(4)]);
                            log.Append(entry);
                            model.Add(entry);
                        }

                        break;
                    case 5 when model.Count > 0:
                        int cut = random.Next(model.Count);
                        log.TruncateFrom(model[cut].Index);
                        model.RemoveRange(cut, model.Count - cut);
                        term++;
                        break;
                    case < 8 when model.Count > 0:
                        int gone = random.Next(1, model.Count + 1);
                        LogIndex last = model[gone - 1].Index;
                        Term lastTerm = model[gone - 1].Term;
                        log.ForgetThrough(last);
                        model.RemoveRange(0, gone);
                        Assert.Equal((last, lastTerm), (log.Forgotten, log.TermAt(last)));
                        break;
                    case 8 when random.Next(10) == 0:
                        log.Restart(log.Last + 7, new Term(++term));
                        model.Clear();
                        break;
                    default:
                        Slice(random, log, model, slices);
                        break;
                }

                Assert.Equal((ulong)model.Count, log.Last.Value - log.Forgotten.Value);
                Assert.True(model.TrueForAll(e => log[e.Index] == e), $"seed {seed} step {step}");
            }

            Assert.All(slices, s => Assert.Equal(s.Then, s.Slice.ToArray()));
        }
    }

    /// <summary>A follower takes entries as the paper's rule says: figure 2, AppendEntries, steps 2 to 5.</summary>
    [Fact]
    public void TakingEntriesIsTheRuleOfThePaper()
    {
        for (int seed = 0; seed < 4000; seed++)
        {
            var random = new Random(seed);
            ulong[] mine = Terms(random, random.Next(0, 7));
            ulong[] theirs = Terms(random, random.Next(0, 7));
            var log = new RaftLog(new RecoveredLog(default, null, [.. Group.Entries(1, mine)], default, ConfState.Empty));
            int previous = random.Next(0, theirs.Length + 1);
            Entry[] entries = [.. Group.Entries(1, theirs).Skip(previous)];
            ulong previousTerm = previous == 0 ? 0 : theirs[previous - 1];
            bool agrees = previous == 0 || (previous <= mine.Length && mine[previous - 1] == previousTerm);
            Assert.Equal(agrees, log.TryAppend(new LogIndex((ulong)previous), new Term(previousTerm), entries));
            List<ulong> expected = [.. mine];
            for (int i = previous; agrees && i < theirs.Length; i++)
            {
                if (i < expected.Count && expected[i] != theirs[i])
                {
                    expected.RemoveRange(i, expected.Count - i);
                }

                if (i == expected.Count)
                {
                    expected.Add(theirs[i]);
                }
            }

            Assert.Equal(expected, Enumerable.Range(1, (int)log.Last.Value).Select(i => log.TermOrZero(new LogIndex((ulong)i)).Value));
            // What was durable stays so, up to the first entry that was replaced.
            int replaced = Enumerable.Range(previous, theirs.Length - previous).FirstOrDefault(i => i < mine.Length && mine[i] != theirs[i], mine.Length);
            Assert.Equal((ulong)(agrees ? replaced : mine.Length), log.Durable.Value);
        }
    }

    /// <summary>Both sides' skips together find a common entry in as many probes as there are terms, and never skip one.</summary>
    [Fact]
    public void BacktrackingSkipsNoCommonEntry()
    {
        for (int seed = 0; seed < 4000; seed++)
        {
            var random = new Random(seed);
            ulong[] common = Terms(random, random.Next(0, 4));
            ulong start = common.Length == 0 ? 0 : common[^1];
            ulong[] leader = [.. common, .. Terms(random, random.Next(1, 8)).Select(t => t + start)];
            ulong[] follower = [.. common, .. Terms(random, random.Next(0, 8)).Select(t => t + start + (ulong)random.Next(2))];
            ulong agreed = Enumerable.Range(0, Math.Min(leader.Length, follower.Length))
                .TakeWhile(i => leader[i] == follower[i]).Aggregate(0UL, (n, _) => n + 1);
            if (!IsSorted(leader) || !IsSorted(follower))
            {
                continue;
            }

            var ours = new RaftLog(new RecoveredLog(default, null, [.. Group.Entries(1, leader)], default, ConfState.Empty));
            var theirs = new RaftLog(new RecoveredLog(default, null, [.. Group.Entries(1, follower)], default, ConfState.Empty));
            LogIndex probe = ours.Last;
            int probes = 0;
            while (!theirs.Matches(probe, ours.TermOrZero(probe)))
            {
                LogIndex end = probe < theirs.Last ? probe : theirs.Last;
                (LogIndex hint, Term term) = theirs.FindConflict(end, ours.TermOrZero(probe));
                LogIndex next = term == default ? hint : ours.FindConflict(hint < ours.Last ? hint : ours.Last, term).Index;
                Assert.True(next < probe || (next == probe && probes == 0), $"seed {seed}");
                Assert.True(next.Value >= agreed, $"seed {seed} skips what agrees");
                probe = next < probe ? next : new LogIndex(probe.Value - 1);
                probes++;
            }

            Assert.True(probes <= leader.Distinct().Count() + 1, $"seed {seed}: {probes} probes");
        }
    }

    [Fact]
    public void ReportsProveWhatIsStillThere()
    {
        for (int seed = 0; seed < 2000; seed++)
        {
            // The model is the disk: what each write leaves there, and what the log in memory holds now.
            var random = new Random(seed);
            var reports = new AppendReports();
            var disk = new List<ulong>();
            var memory = new List<ulong>();
            var writes = new Queue<(int From, ulong[] Terms)>();
            int durable = 0;
            ulong term = 1;
            for (int step = 0; step < 40; step++)
            {
                if (random.Next(2) == 0)
                {
                    int from = memory.Count - (random.Next(3) == 0 ? random.Next(0, Math.Min(memory.Count, 4) + 1) : 0);
                    if (from < memory.Count)
                    {
                        reports.ReplacedFrom(new LogIndex((ulong)from + 1));
                        durable = Math.Min(durable, from);
                        // Sometimes an earlier leader's entries come back.
                        term = (ulong)random.Next(1, 4);
                    }

                    memory.RemoveRange(from, memory.Count - from);
                    ulong[] added = [.. Enumerable.Repeat(term, random.Next(1, 3))];
                    memory.AddRange(added);
                    writes.Enqueue((from, added));
                    reports.Add(new LogIndex((ulong)memory.Count), new Term(term));
                }
                else if (writes.TryDequeue(out (int From, ulong[] Terms) write))
                {
                    disk.RemoveRange(write.From, disk.Count - write.From);
                    disk.AddRange(write.Terms);
                    durable = Math.Max(durable, (int)reports.Take(new LogIndex((ulong)disk.Count), new Term(disk[^1])).Value);
                    // What is called durable is there after this write and after every later one that is under way.
                    var crash = new List<ulong>(disk);
                    Assert.Equal(memory.Take(durable), crash.Take(durable));
                    foreach ((int from, ulong[] terms) in writes)
                    {
                        crash.RemoveRange(from, crash.Count - from);
                        crash.AddRange(terms);
                        Assert.True(crash.Count >= durable, $"seed {seed}");
                        Assert.Equal(memory.Take(durable), crash.Take(durable));
                    }
                }
            }

            while (writes.TryDequeue(out (int From, ulong[] Terms) write))
            {
                disk.RemoveRange(write.From, disk.Count - write.From);
                disk.AddRange(write.Terms);
                durable = Math.Max(durable, (int)reports.Take(new LogIndex((ulong)disk.Count), new Term(disk[^1])).Value);
            }

            Assert.Equal(memory, disk);
            Assert.Equal(memory.Count, durable);
        }
    }

    private static void Slice(Random random, EntryChunks log, List<Entry> model, List<(ReadOnlyMemory<Entry> Slice, Entry[] Then)> slices)
    {
        if (model.Count == 0)
        {
            Assert.True(log.Slice(log.Last.Next, 100, out _, out _).IsEmpty);
            return;
        }

        int at = random.Next(model.Count);
        long most = random.Next(3) == 0 ? long.MaxValue : random.Next(1, 3000);
        ReadOnlyMemory<Entry> slice = log.Slice(model[at].Index, most, out long payload, out long bytes);
        Entry[] then = slice.ToArray();
        slices.Add((slice, then));
        Assert.Equal(model.Skip(at).Take(slice.Length), then);
        Assert.Equal(then.Sum(e => (long)e.Data.Length), payload);
        Assert.Equal(payload + ((long)EntryChunks.EntryOverheadBytes * slice.Length), bytes);
        Assert.True(slice.Length == 1 || bytes <= most);
        bool endsChunk = then[^1].Index.Next.Value % EntryChunks.Size == 0;
        bool isLast = then[^1].Index == log.Last;
        Assert.True(endsChunk || isLast || bytes + log[then[^1].Index.Next].Data.Length + EntryChunks.EntryOverheadBytes > most);
    }

    private static ulong[] Terms(Random random, int count)
    {
        ulong term = 1;
        return [.. Enumerable.Range(0, count).Select(_ => term += (ulong)random.Next(2))];
    }

    private static bool IsSorted(ulong[] terms) => terms.SequenceEqual(terms.Order());
}
