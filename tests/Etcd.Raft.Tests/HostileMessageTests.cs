using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Raft.Tests;

/// <summary>
/// A peer that sends nonsense must not stop a member, whatever it says (etcd #21518). Messages are made up from all types and
/// from small, huge and impossible numbers, and thrown at members in all roles.
/// </summary>
public sealed class HostileMessageTests
{
    private static readonly ulong[] Numbers = [0, 1, 2, 3, 4, 5, 7, 1000, uint.MaxValue, long.MaxValue - 1, long.MaxValue, ulong.MaxValue - 1, ulong.MaxValue];

    /// <summary>etcd #21518: a heartbeat that claims a commit index beyond the log.</summary>
    [Theory]
    [InlineData(RaftRole.Follower)]
    [InlineData(RaftRole.Candidate)]
    [InlineData(RaftRole.Leader)]
    public void Etcd21518_AHeartbeatBeyondTheLogChangesNothing(RaftRole role)
    {
        RaftNode raft = In(role);
        (Term, RaftRole, LogIndex) before = (raft.Term, raft.Role, raft.Committed);
        foreach (ulong commit in new ulong[] { raft.LastIndex.Value + 1, long.MaxValue, ulong.MaxValue })
        {
            Assert.Equal(StepResult.Ignored, raft.Step(new Message
            {
                Type = MessageType.Heartbeat,
                From = new MemberId(2),
                To = raft.Id,
                Term = raft.Term.Next,
                Commit = new LogIndex(commit),
            }));
        }

        Assert.Equal(before, (raft.Term, raft.Role, raft.Committed));
    }

    /// <summary>One false number must not bring every member to the end of the terms.</summary>
    [Theory]
    [InlineData(RaftRole.Follower)]
    [InlineData(RaftRole.Candidate)]
    [InlineData(RaftRole.Leader)]
    public void ATermThatNoClusterReachesIsNotEntered(RaftRole role)
    {
        RaftNode raft = In(role);
        Term before = raft.Term;
        foreach (MessageType type in Enum.GetValues<MessageType>().Where(t => !t.IsLocal() && t is not (MessageType.Prop or MessageType.ReadIndex)))
        {
            foreach (ulong term in new ulong[] { before.Value + (1UL << 32) + 1, long.MaxValue, ulong.MaxValue })
            {
                Assert.Equal(StepResult.Ignored, raft.Step(new Message { Type = type, From = new MemberId(2), Term = new Term(term) }));
            }
        }

        Assert.Equal((role, before), (raft.Role, raft.Term));
        raft.Step(new Message { Type = MessageType.Heartbeat, From = new MemberId(2), Term = before + 1000 });
        Assert.Equal(before + 1000, raft.Term);
    }

    /// <summary>An answer beyond the leader's log is no vote for its entries.</summary>
    [Fact]
    public void AnAnswerBeyondTheLogCommitsNothing()
    {
        RaftNode raft = In(RaftRole.Leader);
        LogIndex before = raft.Committed;
        foreach (ulong index in new ulong[] { raft.LastIndex.Value + 1, long.MaxValue, ulong.MaxValue })
        {
            Assert.Equal(StepResult.Ignored, raft.Step(new Message
            {
                Type = MessageType.AppResp,
                From = new MemberId(2),
                Term = raft.Term,
                Index = new LogIndex(index),
            }));
        }

        Assert.Equal(before, raft.Committed);
    }

    /// <summary>Entries that would replace what is committed are refused.</summary>
    [Fact]
    public void WhatIsCommittedIsNeverReplaced()
    {
        RaftNode raft = In(RaftRole.Follower);
        raft.Step(new Message { Type = MessageType.Heartbeat, From = new MemberId(2), Term = raft.Term, Commit = new LogIndex(3) });
        Assert.Equal(new LogIndex(3), raft.Committed);
        raft.Step(new Message
        {
            Type = MessageType.App,
            From = new MemberId(2),
            Term = raft.Term,
            Index = new LogIndex(3),
            LogTerm = new Term(2),
            Commit = new LogIndex(9),
            Entries = Group.Entries(4, 2, 2).ToArray(),
        });
        raft.Step(new Message
        {
            Type = MessageType.App,
            From = new MemberId(2),
            Term = raft.Term,
            Index = new LogIndex(3),
            LogTerm = new Term(2),
            Entries = Group.Entries(4, 3).ToArray(),
        });
        Assert.Equal(new LogIndex(5), raft.LastIndex);
        Assert.Equal(new LogIndex(5), raft.Committed);
    }

    /// <summary>Entries with holes, falling terms, or terms after the leader's are not looked at.</summary>
    [Theory]
    [InlineData(3, 2, 5, 2, 3)]
    [InlineData(3, 2, 4, 1, 3)]
    [InlineData(3, 2, 4, 9, 3)]
    [InlineData(3, 2, 4, 0, 3)]
    [InlineData(0, 2, 1, 2, 3)]
    public void EntriesThatNoLogHoldsAreNotTaken(ulong index, ulong logTerm, ulong first, ulong entryTerm, ulong term)
    {
        RaftNode raft = In(RaftRole.Follower);
        Assert.Equal(StepResult.Ignored, raft.Step(new Message
        {
            Type = MessageType.App,
            From = new MemberId(2),
            Term = new Term(term),
            Index = new LogIndex(index),
            LogTerm = new Term(logTerm),
            Entries = Group.Entries(first, entryTerm).ToArray(),
        }));
        Assert.Equal((new Term(2), new LogIndex(3)), (raft.Term, raft.LastIndex));
    }

    /// <summary>Messages to another member, or from this one itself, are not for it.</summary>
    [Fact]
    public void MessagesThatCannotBeForThisMemberAreIgnored()
    {
        RaftNode raft = In(RaftRole.Follower);
        Message heartbeat = new() { Type = MessageType.Heartbeat, From = new MemberId(2), To = new MemberId(3), Term = new Term(9) };
        Assert.Equal(StepResult.Ignored, raft.Step(heartbeat));
        Assert.Equal(StepResult.Ignored, raft.Step(heartbeat with { To = raft.Id, From = raft.Id }));
        Assert.Equal(StepResult.Ignored, raft.Step(heartbeat with { To = raft.Id, From = MemberId.None }));
        Assert.Equal(StepResult.Ignored, raft.Step(heartbeat with { To = raft.Id, Term = default }));
        Assert.Equal(new Term(2), raft.Term);
    }

    /// <summary>A snapshot without members, with one twice, of a later term, or with nothing in it is not installed.</summary>
    [Fact]
    public void SnapshotsThatNoLeaderSendsAreIgnored()
    {
        RaftNode raft = In(RaftRole.Follower);
        MemberId me = raft.Id;
        Snapshot?[] snapshots =
        [
            null,
            new(new LogIndex(9), new Term(2), ConfState.Empty, default),
            new(new LogIndex(9), new Term(2), new ConfState([me, me], []), default),
            new(new LogIndex(9), new Term(2), new ConfState([me], [me]), default),
            new(new LogIndex(9), new Term(2), new ConfState([me, MemberId.None], []), default),
            new(new LogIndex(9), new Term(99), new ConfState([me], []), default),
            new(new LogIndex(0), new Term(2), new ConfState([me], []), default),
            new(new LogIndex(ulong.MaxValue), new Term(2), new ConfState([me], []), default),
        ];
        Assert.All(snapshots, s => Assert.Equal(
            StepResult.Ignored, raft.Step(new Message { Type = MessageType.Snap, From = new MemberId(2), Term = new Term(3), Snapshot = s })));
        Assert.Equal((new Term(2), new LogIndex(3)), (raft.Term, raft.LastIndex));
    }

    /// <summary>Whatever comes, no invariant breaks, terms and the commit index never fall, and what was applied stays.</summary>
    [Fact]
    public void NothingBreaksWhateverComes()
    {
        for (int seed = 0; seed < 400; seed++)
        {
            var random = new Random(seed);
            RaftNode raft = In((RaftRole)random.Next(4));
            var ready = new Ready();
            var reported = new Queue<(LogIndex, Term)>();
            for (int i = 0; i < 300; i++)
            {
                Term term = raft.Term;
                LogIndex committed = raft.Committed;
                try
                {
                    raft.Step(Nonsense(random, raft));
                    Drive(random, raft, ready, reported);
                }
                catch (Exception e)
                {
                    throw new InvalidOperationException($"seed {seed}, message {i}: {e.Message}", e);
                }

                Assert.True(raft.Term >= term && raft.Committed >= committed && raft.Committed <= raft.LastIndex && raft.Applied <= raft.Committed, $"seed {seed}, message {i}");
            }
        }
    }

    private static void Drive(Random random, RaftNode raft, Ready ready, Queue<(LogIndex, Term)> reported)
    {
        if (random.Next(3) == 0)
        {
            raft.Tick();
        }

        if (raft.HasReady && random.Next(2) == 0)
        {
            raft.Ready(ready);
            if (ready.Entries.Count > 0)
            {
                reported.Enqueue((ready.Entries[^1].Index, ready.Entries[^1].Term));
            }
            else if (ready.Snapshot is { } snapshot)
            {
                reported.Enqueue((snapshot.Index, snapshot.Term));
            }

            if (ready.Snapshot is { } installed)
            {
                raft.OnApplied(installed.Index);
            }

            foreach (Entry entry in ready.CommittedEntries)
            {
                if (entry.Type != EntryType.Normal)
                {
                    raft.ApplyConfChange(new ConfChange(ConfChangeKind.AddVoter, MemberId.None));
                }

                raft.OnApplied(entry.Index);
            }

            ready.MessagesAfterAppend.Where(m => m.To == raft.Id).ToList().ForEach(m => raft.Step(m));
        }

        if (reported.Count > 0 && random.Next(2) == 0)
        {
            (LogIndex index, Term term) = reported.Dequeue();
            raft.OnAppended(index, term);
        }
    }

    private static Message Nonsense(Random random, RaftNode raft)
    {
        // Near the truth is where it hurts.
        ulong Near(ulong truth) => random.Next(3) == 0 ? Numbers[random.Next(Numbers.Length)] : (ulong)Math.Max(0, (long)truth + random.Next(-2, 3));
        var index = new LogIndex(Near(raft.LastIndex.Value));
        return new Message
        {
            Type = (MessageType)random.Next(-1, 20),
            From = new MemberId((ulong)random.Next(0, 5)),
            To = random.Next(10) == 0 ? new MemberId(2) : raft.Id,
            // A term of the far future would end the play.
            Term = new Term(random.Next(20) == 0 ? ulong.MaxValue : (ulong)Math.Max(0, (long)raft.Term.Value + random.Next(-1, 2))),
            LogTerm = new Term(Near(raft.Term.Value)),
            Index = index,
            Commit = new LogIndex(Near(raft.Committed.Value)),
            Reject = random.Next(2) == 0,
            RejectHint = new LogIndex(Near(raft.LastIndex.Value)),
            Context = new byte[random.Next(2) * 8],
            Snapshot = random.Next(3) == 0 ? null : new Snapshot(
                new LogIndex(Near(raft.LastIndex.Value)), new Term(Near(raft.Term.Value)),
                new ConfState([.. Enumerable.Range(random.Next(2), random.Next(4)).Select(n => new MemberId((ulong)n))], []), default),
            Entries = Enumerable.Range(0, random.Next(4)).Select(n => new Entry(
                new Term(Near(raft.Term.Value)),
                random.Next(4) == 0 ? new LogIndex(Near(raft.LastIndex.Value)) : new LogIndex(unchecked(index.Value + (ulong)n + 1)),
                (EntryType)random.Next(5), new byte[random.Next(10)])).ToArray(),
        };
    }

    private static RaftNode In(RaftRole role)
    {
        RaftNode raft = Group.WithLog(1, 2, 3, 1, 2, 2);
        if (role == RaftRole.Follower)
        {
            return raft;
        }

        var ready = new Ready();
        raft.Step(new Message { Type = MessageType.Hup });
        raft.Ready(ready);
        Message own = ready.MessagesAfterAppend.Single(m => m.To == raft.Id);
        raft.Step(own);
        if (role == RaftRole.Leader)
        {
            raft.Step(own with { From = new MemberId(2) });
            Assert.Equal(RaftRole.Leader, raft.Role);
        }

        return raft;
    }
}
