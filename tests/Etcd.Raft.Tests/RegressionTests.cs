using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Raft.Tests;

/// <summary>Failures that real systems of this kind have had, as far as the core alone shows them (the ids are etcd's, or raft's where it says so).</summary>
public sealed class RegressionTests
{
    private readonly Ready _ready = new();

    /// <summary>
    /// #20418, raft #397: a leader pauses with a read under way. Answers to heartbeats of before, late or doubled, and answers
    /// in the leader's later life, never confirm a read that began after them, though both have the same context.
    /// </summary>
    [Fact]
    public void Etcd20418_AnOldAnswerConfirmsNoLaterRead()
    {
        var group = new Group(3);
        group.Campaign(1);
        byte[] same = [1, 2, 3];
        group.Drop = m => m.Type == MessageType.HeartbeatResp;
        group.Sent.Clear();
        Read(group, 1, same);
        Message[] answers = [.. group.Sent.Where(m => m.Type == MessageType.HeartbeatResp)];
        Assert.Equal(2, answers.Length);

        // Another leader commits while this one sleeps.
        group.Drop = m => m.To.Value == 1 || m.From.Value == 1;
        group.Campaign(2);
        group.Propose(2, "newer");
        Assert.True(group[2].Committed > group[1].Committed);
        Assert.Equal(RaftRole.Leader, group[1].Role);

        // It wakes up and reads again, with the same context. The old answers are in its mailbox, twice.
        Read(group, 1, same);
        foreach (Message answer in answers.Concat(answers))
        {
            group.Step(1, answer);
        }

        group.Settle();
        Assert.Single(group.Reads);

        // When it hears the news it follows, and the read that was not confirmed is never answered.
        group.Drop = _ => false;
        group.Tick(2, 2);
        group.Reads.Clear();
        group.Step(1, answers[0] with { Term = group[1].Term });
        group.Settle();
        Assert.Empty(group.Reads);

        // Elected again it confirms with marks of its new term only.
        group.Campaign(1);
        group.Drop = m => m.Type == MessageType.HeartbeatResp;
        Read(group, 1, same);
        foreach (Message answer in answers)
        {
            group.Step(1, answer);
        }

        group.Settle();
        Assert.Empty(group.Reads);
        group.Drop = _ => false;
        group.Tick(1);
        Assert.Equal(group[1].Committed, Assert.Single(group.Reads).Read.Index);
    }

    /// <summary>raft #397: contexts of different requests may be equal; each request has a mark of its own.</summary>
    [Fact]
    public void Raft397_EqualContextsHaveMarksOfTheirOwn()
    {
        var group = new Group(3);
        group.Campaign(1);
        group.Sent.Clear();
        Read(group, 1, [7]);
        Read(group, 2, [7]);
        Read(group, 3, [7]);
        Assert.Equal(3, group.Sent.Where(m => m.Type == MessageType.Heartbeat).Select(m => Convert.ToHexString(m.Context.Span)).Distinct().Count());
        Assert.Equal([1UL, 2UL, 3UL], group.Reads.Select(r => r.Member).Order());
    }

    /// <summary>#18055: a second snapshot while the first is being installed; and reports of the first after it.</summary>
    [Fact]
    public void Etcd18055_TwoSnapshotsInARow()
    {
        RaftNode raft = Group.WithLog(1, 2, 3, 1, 2, 2);
        raft.Ready(_ready);
        Install(raft, 10);
        raft.Ready(_ready);
        Assert.Equal(new LogIndex(10), _ready.Snapshot!.Index);
        Install(raft, 20);
        Assert.Equal(new LogIndex(20), raft.LastIndex);
        raft.Ready(_ready);
        Assert.Equal(new LogIndex(20), _ready.Snapshot!.Index);
        raft.OnAppended(new LogIndex(10), new Term(2));
        raft.OnApplied(new LogIndex(10));
        raft.Step(new Message { Type = MessageType.Hup });
        Assert.Equal(RaftRole.Follower, raft.Role);
        raft.OnAppended(new LogIndex(20), new Term(2));
        raft.OnApplied(new LogIndex(20));
        Assert.Equal((20UL, 20UL, 20UL), (raft.Applied.Value, raft.Committed.Value, raft.ForgottenIndex.Value));

        // The log goes on.
        raft.Step(new Message
        {
            Type = MessageType.App,
            From = new MemberId(2),
            Term = new Term(2),
            Index = new LogIndex(20),
            LogTerm = new Term(2),
            Commit = new LogIndex(21),
            Entries = Group.Entries(21, 2).ToArray(),
        });
        raft.Ready(_ready);
        raft.OnAppended(new LogIndex(21), new Term(2));
        raft.Ready(_ready);
        Assert.Equal(new LogIndex(21), Assert.Single(_ready.CommittedEntries).Index);
    }

    /// <summary>3.6.11: a member is added while one is down, for the others are a majority.</summary>
    [Fact]
    public void Etcd3611_AMemberIsAddedWhileOneIsDown()
    {
        // Nothing is kept that is applied, so the new member gets the configuration by a snapshot.
        var group = new Group(3, o => o with { CatchUpEntries = 0 });
        group.Campaign(1);
        group.Drop = m => m.To.Value == 3 || m.From.Value == 3;
        group.Add(4, ConfState.Empty);
        group.Change(1, "l4");
        group.Change(1, "v4");
        Assert.Equal([1UL, 2UL, 3UL, 4UL], group[4].Configuration.Voters.Select(v => v.Value));
        group.Propose(1, "a");
        Assert.Equal(group[1].Committed, group[4].Committed);
    }

    /// <summary>3.6.12: an update of a member does not make a voter of a learner.</summary>
    [Fact]
    public void Etcd3612_AnUpdatePromotesNobody()
    {
        var group = new Group(2);
        group.Campaign(1);
        group.Change(1, "l3");
        group.Change(1, "u3");
        Assert.Equal((2, 1), (group[2].Configuration.Voters.Count, group[2].Configuration.Learners.Count));
    }

    /// <summary>#19557: a member that was taken out comes back with its old log; as a member it is none, and nobody follows it.</summary>
    [Fact]
    public void Etcd19557_ARemovedMemberIsNoMemberAnyMore()
    {
        var group = new Group(3, o => o with { PreVote = true, CheckQuorum = true });
        group.Campaign(1);
        group.Drop = m => m.To.Value == 3;
        group.Change(1, "r3");
        group.Drop = _ => false;
        Term before = group[1].Term;
        group.Tick(3, 60);
        group.Tick(1, 2);
        Assert.Equal((RaftRole.Leader, before), (group[1].Role, group[1].Term));
        Assert.DoesNotContain(group.Member(3).Applied, a => a.Contains("r3", StringComparison.Ordinal));
        Assert.Equal(StepResult.Ignored, group.Step(1, Group.Proposal(EntryType.Normal, "x") with { From = new MemberId(3) }));
    }

    /// <summary>
    /// An entry that is replaced while it is written, and comes back with the same index and term: the first write's report
    /// does not make it durable, for the write in between may be the last one before a crash.
    /// </summary>
    [Fact]
    public void AnEntryThatCameBackIsNotDurableByItsFirstWrite()
    {
        RaftNode raft = Group.WithLog(1, 1, 3, 1);
        App(raft, term: 2, commit: 1, entryTerm: 2);
        App(raft, term: 3, commit: 1, entryTerm: 3);
        App(raft, term: 4, commit: 2, entryTerm: 2);
        raft.OnAppended(new LogIndex(2), new Term(2));
        raft.Ready(_ready);
        Assert.DoesNotContain(_ready.CommittedEntries, e => e.Index.Value == 2);
        raft.OnAppended(new LogIndex(2), new Term(3));
        raft.Ready(_ready);
        Assert.Empty(_ready.CommittedEntries);
        raft.OnAppended(new LogIndex(2), new Term(2));
        raft.Ready(_ready);
        Assert.Equal(new LogIndex(2), Assert.Single(_ready.CommittedEntries).Index);
    }

    /// <summary>A change that a snapshot brought already, and took back, is not applied again by the entry that was on its way.</summary>
    [Fact]
    public void AChangeThatASnapshotHoldsIsNotAppliedTwice()
    {
        RaftNode raft = Group.WithLog(1, 1, 3, 1);
        raft.Step(new Message
        {
            Type = MessageType.App,
            From = new MemberId(2),
            Term = new Term(1),
            Index = new LogIndex(1),
            LogTerm = new Term(1),
            Commit = new LogIndex(2),
            Entries = new[] { new Entry(new Term(1), new LogIndex(2), EntryType.ConfChange, new byte[] { 1 }) },
        });
        raft.Ready(_ready);
        raft.OnAppended(new LogIndex(2), new Term(1));
        raft.Ready(_ready);
        Assert.Equal(new LogIndex(2), Assert.Single(_ready.CommittedEntries).Index);
        // Member 3 was removed by the entry and came back later.
        Install(raft, 10);
        ConfState after = raft.ApplyConfChange(new ConfChange(ConfChangeKind.Remove, new MemberId(3)));
        Assert.Equal([1UL, 2UL, 3UL], after.Voters.Select(v => v.Value));
    }

    private static void Install(RaftNode raft, ulong index) => raft.Step(new Message
    {
        Type = MessageType.Snap,
        From = new MemberId(2),
        Term = new Term(2),
        Snapshot = new Snapshot(new LogIndex(index), new Term(2), new ConfState([new(1), new(2), new(3)], []), default),
    });

    private static void Read(Group group, ulong id, byte[] context)
    {
        group.Step(id, new Message { Type = MessageType.ReadIndex, Context = context });
        group.Settle();
    }

    private void App(RaftNode raft, ulong term, ulong commit, ulong entryTerm)
    {
        raft.Step(new Message
        {
            Type = MessageType.App,
            From = new MemberId(2),
            Term = new Term(term),
            Index = new LogIndex(1),
            LogTerm = new Term(1),
            Commit = new LogIndex(commit),
            Entries = Group.Entries(2, entryTerm).ToArray(),
        });
        raft.Ready(_ready);
    }
}
