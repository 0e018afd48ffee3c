using Etcd.Raft.Tests.Interaction;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Raft.Tests;

/// <summary>What the core decides beyond the paper: hand-over, learners, flow, limits, reads when the membership changes.</summary>
public sealed class CoreTests
{
    private static readonly MemberId One = new(1);
    private static readonly MemberId Two = new(2);
    private static readonly MemberId Three = new(3);

    [Fact]
    public void AHandOverToAMemberThatIsRemovedMeanwhileIsGivenUp()
    {
        var group = new Group(4);
        group.Campaign(1);
        group.Step(1, Group.Proposal(EntryType.ConfChange, "r4"));
        group.Drop = m => m.To.Value == 4;
        group.Step(1, new Message { Type = MessageType.TransferLeader, From = new MemberId(4) });
        Assert.Equal(new MemberId(4), group[1].TransferTarget);
        group.Settle();
        Assert.Equal((MemberId.None, RaftRole.Leader), (group[1].TransferTarget, group[1].Role));
        Assert.Equal(StepResult.Accepted, group.Propose(1, "a"));
    }

    [Fact]
    public void ASecondHandOverReplacesTheFirst()
    {
        var group = new Group(3) { Drop = m => m.Type == MessageType.TimeoutNow && m.To == Two };
        group.Campaign(1);
        group.Step(1, new Message { Type = MessageType.TransferLeader, From = Two });
        group.Settle();
        Assert.Equal(StepResult.Ignored, group.Step(1, new Message { Type = MessageType.TransferLeader, From = Two }));
        group.Step(1, new Message { Type = MessageType.TransferLeader, From = Three });
        group.Settle();
        Assert.Equal(RaftRole.Leader, group[3].Role);
    }

    [Fact]
    public void AHandOverBringsALaggardUpToDateFirst()
    {
        var group = new Group(3, o => o with { CatchUpEntries = 2 });
        group.Campaign(1);
        group.Drop = m => m.To == Three;
        for (int i = 0; i < 10; i++)
        {
            group.Propose(1, $"p{i}");
        }

        group.Drop = _ => false;
        // It answers, so it is known to be alive: what it lacks is forgotten, so it gets a snapshot.
        group.Tick(1);
        group.Step(2, new Message { Type = MessageType.TransferLeader, From = Three });
        group.Settle();
        Assert.Equal(RaftRole.Leader, group[3].Role);
        Assert.Contains(group.Sent, m => m.Type == MessageType.Snap);
    }

    [Fact]
    public void TheWordToBeginIsNotForALearner()
    {
        var group = new Group(2);
        group.Campaign(1);
        group.Add(3, ConfState.Empty);
        group.Change(1, "l3");
        Assert.Equal(StepResult.Ignored, group.Step(3, new Message { Type = MessageType.TimeoutNow, From = One, Term = group[1].Term }));
        Assert.Equal(RaftRole.Follower, group[3].Role);
    }

    [Fact]
    public void TheWordToBeginIsTheLeadersOnly()
    {
        var group = new Group(3);
        group.Campaign(1);
        Assert.Equal(StepResult.Ignored, group.Step(2, new Message { Type = MessageType.TimeoutNow, From = Three, Term = group[1].Term }));
        Assert.Equal(RaftRole.Follower, group[2].Role);
    }

    [Fact]
    public void ACandidateThatIsStuckAheadIsFreed()
    {
        // With leases its later term does not get across by votes, but by the answer to the leader's heartbeat.
        var group = new Group(3, o => o with { CheckQuorum = true });
        group.Campaign(1);
        group.Drop = m => m.From == Three || m.To == Three;
        group.Tick(3, 40);
        Assert.True(group[3].Term > group[1].Term);
        group.Drop = _ => false;
        group.Tick(1);
        Assert.Equal(group[3].Term, group[1].Term);
        group.Campaign(1);
        Assert.Equal((RaftRole.Leader, One), (group[1].Role, group[3].Leader));
    }

    [Fact]
    public void WithPreVoteACutOffMemberDeposesNobody()
    {
        var group = new Group(3, o => o with { CheckQuorum = true, PreVote = true });
        group.Campaign(1);
        Term term = group[1].Term;
        group.Drop = m => m.From == Three || m.To == Three;
        group.Tick(3, 100);
        group.Drop = _ => false;
        group.Tick(3, 15);
        group.Tick(1);
        Assert.Equal((term, RaftRole.Leader, One), (group[1].Term, group[1].Role, group[3].Leader));
    }

    [Fact]
    public void ReadsThatWaitAreAnsweredWhenTheOthersAreRemoved()
    {
        var group = new Group(2);
        group.Campaign(1);
        group.Step(1, Group.Proposal(EntryType.ConfChange, "r2"));
        group.Drop = m => m.Type == MessageType.HeartbeatResp;
        group.Step(1, new Message { Type = MessageType.ReadIndex, Context = new byte[] { 1 } });
        group.Settle();
        Assert.Equal(1UL, Assert.Single(group.Reads).Member);
        Assert.Equal(group[1].Committed, group[1].LocalReadIndex);
    }

    [Fact]
    public void ALearnersAnswerConfirmsNoRead()
    {
        var group = new Group(2);
        group.Campaign(1);
        group.Add(3, ConfState.Empty);
        group.Change(1, "l3");
        group.Drop = m => m.To == Two || m.From == Two;
        group.Step(1, new Message { Type = MessageType.ReadIndex, Context = new byte[] { 1 } });
        group.Settle();
        Assert.Empty(group.Reads);
        group.Drop = _ => false;
        group.Step(3, new Message { Type = MessageType.ReadIndex, Context = new byte[] { 2 } });
        group.Settle();
        Assert.Equal([1UL, 3UL], group.Reads.Select(r => r.Member).Order());
    }

    [Fact]
    public void ReadsOfADeposedLeaderAreNotAnswered()
    {
        var group = new Group(3) { Drop = m => m.Type == MessageType.HeartbeatResp };
        group.Campaign(1);
        group.Step(1, new Message { Type = MessageType.ReadIndex, Context = new byte[] { 1 } });
        group.Settle();
        group.Campaign(2);
        group.Drop = _ => false;
        group.Tick(2, 5);
        group.Campaign(1);
        group.Tick(1, 5);
        Assert.Equal(RaftRole.Leader, group[1].Role);
        Assert.Empty(group.Reads);
    }

    [Fact]
    public void OnlyTheSoleVoterReadsOnItsOwn()
    {
        var group = new Group(2);
        group.Campaign(1);
        group.Propose(1, "a");
        Assert.Null(group[1].LocalReadIndex);
        group.Change(1, "r2");
        Assert.Equal(group[1].Committed, group[1].LocalReadIndex);
        Assert.Null(group[2].LocalReadIndex);
    }

    [Fact]
    public void TheBytesUnderWayAreBounded()
    {
        var group = new Group(3, o => o with { InflightBytesMax = 10 });
        group.Campaign(1);
        group.Drop = m => m.Type == MessageType.AppResp;
        group.Sent.Clear();
        for (int i = 0; i < 10; i++)
        {
            group.Propose(1, "12345");
        }

        Assert.Equal(2, group.Sent.Count(m => m is { Type: MessageType.App, To.Value: 2, Entries.Length: > 0 }));
        group.Drop = _ => false;
        group.Tick(1, 3);
        Assert.Equal(group[1].LastIndex, group[2].Committed);
    }

    [Fact]
    public void APendingSnapshotHoldsAppendsUp()
    {
        var group = new Group(3, o => o with { CatchUpEntries = 0 });
        group.Campaign(1);
        group.Drop = m => m.To == Three;
        group.Propose(1, "a");
        group.Propose(1, "b");
        group.Drop = m => m.Type == MessageType.Snap;
        group.Tick(1, 2);
        Assert.Equal(ProgressState.Snapshot, ProgressOf(group, 3).State);
        group.Sent.Clear();
        group.Propose(1, "c");
        Assert.DoesNotContain(group.Sent, m => m.To == Three && m.Type is MessageType.App or MessageType.Snap && m.To == Three);
        group.Drop = _ => false;
        group.Step(1, new Message { Type = MessageType.SnapStatus, From = Three, Reject = true });
        group.Tick(1, 2);
        Assert.Equal((ProgressState.Replicate, group[1].LastIndex), (ProgressOf(group, 3).State, ProgressOf(group, 3).Match));
    }

    [Fact]
    public void NoSnapshotForAMemberThatIsSilent()
    {
        var group = new Group(3, o => o with { CatchUpEntries = 0 });
        group.Campaign(1);
        group.Propose(1, "a");
        // A new leader has not heard of 3.
        group.Drop = m => m.To == Three || m.From == Three;
        group.Propose(1, "b");
        group.Campaign(2);
        group.Propose(2, "c");
        group.Tick(2, 5);
        Assert.DoesNotContain(group.Sent, m => m.Type == MessageType.Snap && m.To == Three);
        group.Drop = _ => false;
        group.Tick(2, 2);
        Assert.Equal(group[2].Committed, group[3].Committed);
    }

    [Fact]
    public void ASnapshotThatIsNewerThanAskedForServesAsWell()
    {
        // The owner sends what it has, which may be ahead of what the core asked for.
        var group = new Group(3, o => o with { CatchUpEntries = 1 });
        group.Campaign(1);
        group.Drop = m => m.To == Three;
        group.Propose(1, "a", "b", "c");
        group.Drop = m => m.Type == MessageType.Snap;
        group.Tick(1, 2);
        LogIndex asked = group.Sent.Last(m => m.Type == MessageType.Snap).Snapshot!.Index;
        group.Propose(1, "d");
        Assert.True(group[1].Applied > asked);
        group.Drop = _ => false;
        group.Step(3, new Message
        {
            Type = MessageType.Snap,
            From = One,
            Term = group[1].Term,
            Snapshot = new Snapshot(group[1].Applied, group[1].Term, group[1].Configuration, default),
        });
        group.Settle();
        Assert.Equal((ProgressState.Replicate, group[1].LastIndex), (ProgressOf(group, 3).State, ProgressOf(group, 3).Match));
    }

    [Fact]
    public void AppliedEntriesAreKeptForOthersOnly()
    {
        var group = new Group(2, o => o with { CatchUpEntries = 3 });
        group.Campaign(1);
        for (int i = 0; i < 10; i++)
        {
            group.Propose(1, "a");
        }

        Assert.Equal(group[1].Applied.Value - 3, group[1].ForgottenIndex.Value);
        group.Change(1, "r2");
        Assert.Equal(group[1].Applied, group[1].ForgottenIndex);
    }

    [Fact]
    public void ADroppedProposalChangesNothing()
    {
        var group = new Group(3, o => o with { UncommittedBytesMax = 4 }) { Drop = m => m.Type == MessageType.AppResp };
        group.Campaign(1);
        group.Propose(1, "1234");
        LogIndex last = group[1].LastIndex;
        Assert.Equal(StepResult.Dropped, group.Propose(1, "5"));
        Assert.Equal(StepResult.Dropped, group.Change(1, "l9"));
        Assert.Equal(last, group[1].LastIndex);
        group.Drop = _ => false;
        group.Tick(1);
        // The dropped change does not count as one under way.
        Assert.Equal(StepResult.Accepted, group.Change(1, "l9"));
        Assert.Contains(group.Member(1).Applied, a => a.Contains("l9", StringComparison.Ordinal));
    }

    [Fact]
    public void ChangesOfSeveralMembersAtOnceAreNotTaken()
    {
        var group = new Group(1);
        group.Campaign(1);
        Assert.Equal(StepResult.Ignored, group.Step(1, Group.Proposal(EntryType.ConfChangeV2, "v2")));
        Assert.Equal(StepResult.Ignored, group.Step(1, new Message { Type = MessageType.Prop }));
    }

    [Fact]
    public void AFollowerForwardsACopyOfTheProposals()
    {
        var group = new Group(2);
        group.Campaign(1);
        var entries = new Entry[] { new(default, default, EntryType.Normal, "a"u8.ToArray()) };
        Assert.Equal(StepResult.Accepted, group.Step(2, new Message { Type = MessageType.Prop, Entries = entries }));
        // The owner uses its array again.
        entries[0] = default;
        group.Settle();
        Assert.Equal("1/2 \"a\"", group.Member(1).Applied[^1]);
    }

    [Fact]
    public void ProposalsDoNotGoBackToWhereTheyCameFrom()
    {
        var group = new Group(3);
        group.Campaign(1);
        Assert.Equal(StepResult.Dropped, group.Step(2, Group.Proposal(EntryType.Normal, "a") with { From = One }));
        Assert.Equal(StepResult.Accepted, group.Step(2, Group.Proposal(EntryType.Normal, "a") with { From = Three }));
        group.Settle();
        Assert.Equal("1/2 \"a\"", group.Member(3).Applied[^1]);
    }

    [Fact]
    public void AChangeIsReportedOncePerEntry()
    {
        var group = new Group(1);
        group.Campaign(1);
        Assert.Throws<InvariantException>(() => group[1].ApplyConfChange(new ConfChange(ConfChangeKind.AddVoter, Two)));
    }

    [Fact]
    public void ATermIsGivenToALeaderOnceOverRestarts()
    {
        var group = new Group(3);
        group.Campaign(1);
        group.Member(2).Restart();
        Assert.Equal(group[1].Term, group[2].Term);
        group[2].Step(new Message { Type = MessageType.Vote, From = Three, Term = group[1].Term, Index = new LogIndex(99), LogTerm = new Term(1) });
        var ready = new Ready();
        group[2].Ready(ready);
        Assert.True(Assert.Single(ready.MessagesAfterAppend).Reject);
    }

    [Fact]
    public void LocalMessagesAreNamed()
    {
        MessageType[] local = [.. Enum.GetValues<MessageType>().Where(t => t.IsLocal())];
        Assert.Equal([MessageType.Hup, MessageType.Beat, MessageType.Unreachable, MessageType.SnapStatus, MessageType.CheckQuorum], local);
    }

    /// <summary>A message's entries stay as they were sent, although the log is replaced before anybody has read them.</summary>
    [Fact]
    public void AMessageIsNotChangedByWhatComesAfterIt()
    {
        var group = new Group(3) { Drop = m => m.From == One && m.Type == MessageType.App };
        group.Campaign(1);
        group.Propose(1, "old");
        Message sent = group.Sent.Last(m => m.Type == MessageType.App && m.From == One && !m.Entries.IsEmpty);
        string before = string.Join(",", sent.Entries.ToArray().Select(e => Describe.Of(e)));
        group.Drop = _ => false;
        group.Campaign(2);
        group.Propose(2, "new");
        Assert.Contains(group.Member(1).Applied, a => a.Contains("new", StringComparison.Ordinal));
        Assert.DoesNotContain(group.Member(1).Applied, a => a.Contains("old", StringComparison.Ordinal));
        Assert.Equal(before, string.Join(",", sent.Entries.ToArray().Select(e => Describe.Of(e))));
    }

    private static MemberProgress ProgressOf(Group group, ulong id)
    {
        var progress = new List<MemberProgress>();
        group[1].CopyProgress(progress);
        return progress.Single(p => p.Member.Value == id);
    }
}
