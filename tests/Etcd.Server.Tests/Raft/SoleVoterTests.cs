using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Tests.Raft;

/// <summary>
/// The rules of the raft thesis that a single voter still has to keep, one test each with its section.
/// </summary>
public sealed class SoleVoterTests
{
    private static readonly MemberId Me = new(7);
    private readonly Ready _ready = new();

    [Fact]
    public void AFollowerTakesNoProposals()
    {
        SoleVoter raft = New();
        Assert.Equal(StepResult.Dropped, Propose(raft, 1));
        Assert.Equal(default, raft.LastIndex);
        Assert.False(raft.HasReady);
    }

    [Fact]
    public void Section34_AnElectionRaisesTheTermAndTheVoteIsWrittenWithTheFirstEntry()
    {
        SoleVoter raft = New();
        Hup(raft);
        raft.Ready(_ready);
        Assert.Equal(new HardState(new Term(1), Me, default), _ready.HardState);
        Entry first = Assert.Single(_ready.Entries);
        Assert.Equal(new Entry(new Term(1), new LogIndex(1), EntryType.Normal, default), first);
        Assert.True(_ready.MustSync);
        Assert.Empty(_ready.CommittedEntries);
    }

    [Fact]
    public void Section3_8_NothingIsCommittedBeforeItIsDurable()
    {
        SoleVoter raft = Leading();
        Propose(raft, 2);
        raft.Ready(_ready);
        Assert.Equal(2, _ready.Entries.Count);
        Assert.Empty(_ready.CommittedEntries);
        Assert.False(raft.HasReady);
        Append(raft, _ready);
        raft.Ready(_ready);
        Assert.Equal([2UL, 3UL], _ready.CommittedEntries.Select(e => e.Index.Value));
    }

    [Fact]
    public void Section3_6_2_EntriesOfEarlierTermsAreCommittedOnlyThroughOneOfThisTerm()
    {
        Entry old = Entry(1, 1);
        var raft = new SoleVoter(Me, new HardState(new Term(1), Me, default), [old], default, default, electionTicks: 10);
        Hup(raft);
        Assert.Equal(default, raft.Committed);
        raft.Ready(_ready);
        Assert.Empty(_ready.CommittedEntries);
        Append(raft, _ready);
        Assert.Equal(new LogIndex(2), raft.Committed);
        raft.Ready(_ready);
        Assert.Equal([1UL, 2UL], _ready.CommittedEntries.Select(e => e.Index.Value));
    }

    [Fact]
    public void Section6_4_ReadsWaitForAnEntryOfTheLeadersOwnTerm()
    {
        var raft = new SoleVoter(Me, new HardState(new Term(1), Me, new LogIndex(1)), [Entry(1, 1)], default, default, electionTicks: 10);
        Assert.Null(raft.LocalReadIndex);
        Hup(raft);
        Assert.Null(raft.LocalReadIndex);
        raft.Ready(_ready);
        Append(raft, _ready);
        Assert.Equal(new LogIndex(2), raft.LocalReadIndex);
    }

    [Fact]
    public void ReadyMayBeTakenAgainBeforeThePreviousOneIsDurable()
    {
        SoleVoter raft = Leading();
        Propose(raft, 1);
        raft.Ready(_ready);
        Propose(raft, 1);
        var second = new Ready();
        raft.Ready(second);
        Assert.Equal(new LogIndex(3), Assert.Single(second.Entries).Index);
        raft.OnAppended(new LogIndex(2), raft.Term);
        Assert.Equal(new LogIndex(2), raft.Committed);
        raft.OnAppended(new LogIndex(3), raft.Term);
        Assert.Equal(new LogIndex(3), raft.Committed);
    }

    [Fact]
    public void AnAcknowledgementOfAnotherTermIsIgnored()
    {
        SoleVoter raft = Leading();
        Propose(raft, 1);
        raft.Ready(_ready);
        raft.OnAppended(new LogIndex(2), new Term(99));
        Assert.Equal(new LogIndex(1), raft.Committed);
    }

    [Fact]
    public void AnAcknowledgementOfWhatWasNeverTakenIsABug()
    {
        SoleVoter raft = Leading();
        Propose(raft, 1);
        Assert.Throws<InvariantException>(() => raft.OnAppended(new LogIndex(2), raft.Term));
    }

    [Fact]
    public void WithoutALeaderTheElectionTimeoutBeginsAnElection()
    {
        SoleVoter raft = New();
        for (int i = 0; i < 9; i++)
        {
            raft.Tick();
            Assert.Equal(RaftRole.Follower, raft.Role);
        }

        raft.Tick();
        Assert.Equal(RaftRole.Leader, raft.Role);
        Assert.Equal(Me, raft.Leader);
    }

    [Fact]
    public void ACommitIndexThatMovesAloneIsNotWrittenByItself()
    {
        SoleVoter raft = Leading();
        Propose(raft, 1);
        raft.Ready(_ready);
        Append(raft, _ready);
        raft.Ready(_ready);
        Assert.False(_ready.HasAppend);
        Propose(raft, 1);
        raft.Ready(_ready);
        Assert.Equal(new LogIndex(2), _ready.HardState!.Value.Commit);
    }

    [Fact]
    public void MessagesForMembersThatDoNotExistAreIgnored()
    {
        SoleVoter raft = Leading();
        Assert.Equal(StepResult.Ignored, raft.Step(new Message { Type = MessageType.Heartbeat, From = new MemberId(9), Term = new Term(99) }));
        Assert.Equal(new Term(1), raft.Term);
    }

    [Fact]
    public void ALongLogIsForgottenBehindWhatIsApplied()
    {
        SoleVoter raft = Leading();
        for (int round = 0; round < 50; round++)
        {
            Propose(raft, 100);
            raft.Ready(_ready);
            Append(raft, _ready);
            raft.Ready(_ready);
            Assert.Equal(100, _ready.CommittedEntries.Count);
            Assert.Equal(raft.Committed, _ready.CommittedEntries[^1].Index);
            raft.OnApplied(raft.Committed);
        }

        Assert.Equal(new LogIndex(5001), raft.Applied);
    }

    [Fact]
    public void ACommitIndexBeyondTheLogIsRefusedAtStart() =>
        Assert.Throws<InvariantException>(() =>
            new SoleVoter(Me, new HardState(new Term(1), Me, new LogIndex(5)), [Entry(1, 1)], default, default, electionTicks: 10));

    private static Entry Entry(ulong term, ulong index) => new(new Term(term), new LogIndex(index), EntryType.Normal, new byte[] { 1 });

    private static SoleVoter New() => new(Me, default, [], default, default, electionTicks: 10);

    private static void Hup(SoleVoter raft) =>
        Assert.Equal(StepResult.Accepted, raft.Step(new Message { Type = MessageType.Hup, From = Me, To = Me }));

    private static StepResult Propose(SoleVoter raft, int count) => raft.Step(new Message
    {
        Type = MessageType.Prop,
        From = Me,
        Entries = Enumerable.Range(0, count).Select(_ => new Entry(default, default, EntryType.Normal, new byte[] { 1 })).ToArray(),
    });

    private static void Append(SoleVoter raft, Ready ready) => raft.OnAppended(ready.Entries[^1].Index, ready.Entries[^1].Term);

    private SoleVoter Leading()
    {
        SoleVoter raft = New();
        Hup(raft);
        raft.Ready(_ready);
        Append(raft, _ready);
        raft.Ready(_ready);
        raft.OnApplied(new LogIndex(1));
        return raft;
    }
}
