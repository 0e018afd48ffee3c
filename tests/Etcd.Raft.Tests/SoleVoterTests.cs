using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.TestKit;

namespace Etcd.Raft.Tests;

/// <summary>A cluster of one: nobody has to be asked, but nothing is acknowledged that is not durable here.</summary>
public sealed class SoleVoterTests
{
    private static readonly MemberId Me = new(7);
    private readonly Ready _ready = new();

    [Fact]
    public void AFollowerTakesNoProposals()
    {
        RaftNode raft = New();
        Assert.Equal(StepResult.Dropped, Propose(raft, 1));
        Assert.Equal(default, raft.LastIndex);
        Assert.False(raft.HasReady);
    }

    [Fact]
    public void Section34_AnElectionRaisesTheTermAndTheVoteIsWrittenWithTheFirstEntry()
    {
        RaftNode raft = New();
        Hup(raft);
        raft.Ready(_ready);
        Assert.Equal(new HardState(new Term(1), Me, default), _ready.HardState);
        Assert.Equal(new Entry(new Term(1), new LogIndex(1), EntryType.Normal, default), Assert.Single(_ready.Entries));
        Assert.True(_ready.MustSync);
        Assert.Empty(_ready.CommittedEntries);
        Assert.Empty(_ready.MessagesAfterAppend);
    }

    [Fact]
    public void Section362_EarlierEntriesAreCommittedWithTheFirstOfTheTerm()
    {
        var raft = new RaftNode(Options(), new RecoveredLog(new HardState(new Term(1), Me, default), null, [Entry(1, 1)], default, new ConfState([Me], [])));
        Hup(raft);
        Assert.Equal(default, raft.Committed);
        raft.Ready(_ready);
        Assert.Empty(_ready.CommittedEntries);
        Append(raft);
        Assert.Equal(new LogIndex(2), raft.Committed);
        raft.Ready(_ready);
        Assert.Equal([1UL, 2UL], _ready.CommittedEntries.Select(e => e.Index.Value));
    }

    [Fact]
    public void Section64_ReadsWaitForAnEntryOfTheLeadersOwnTerm()
    {
        var raft = new RaftNode(Options(), new RecoveredLog(new HardState(new Term(1), Me, new LogIndex(1)), null, [Entry(1, 1)], default, new ConfState([Me], [])));
        Assert.Null(raft.LocalReadIndex);
        Hup(raft);
        Assert.Null(raft.LocalReadIndex);
        raft.Step(new Message { Type = MessageType.ReadIndex, Context = new byte[] { 1 } });
        raft.Ready(_ready);
        Assert.Empty(_ready.ReadStates);
        Append(raft);
        Assert.Equal(new LogIndex(2), raft.LocalReadIndex);
        raft.Ready(_ready);
        Assert.Equal(new LogIndex(2), Assert.Single(_ready.ReadStates).Index);
    }

    [Fact]
    public void ReadyMayBeTakenAgainBeforeThePreviousOneIsDurable()
    {
        RaftNode raft = Leading();
        Propose(raft, 1);
        raft.Ready(_ready);
        Propose(raft, 1);
        raft.Ready(_ready);
        Assert.Equal(new LogIndex(3), Assert.Single(_ready.Entries).Index);
        raft.OnAppended(new LogIndex(2), raft.Term);
        Assert.Equal(new LogIndex(2), raft.Committed);
        raft.OnAppended(new LogIndex(3), raft.Term);
        Assert.Equal(new LogIndex(3), raft.Committed);
    }

    [Fact]
    public void TheLastOfSeveralReportsIsEnough()
    {
        RaftNode raft = Leading();
        Propose(raft, 1);
        raft.Ready(_ready);
        Propose(raft, 1);
        raft.Ready(_ready);
        raft.OnAppended(new LogIndex(3), raft.Term);
        Assert.Equal(new LogIndex(3), raft.Committed);
        raft.OnAppended(new LogIndex(2), raft.Term);
        Assert.Equal(new LogIndex(3), raft.Committed);
    }

    [Fact]
    public void AReportOfAnotherTermIsIgnored()
    {
        RaftNode raft = Leading();
        Propose(raft, 1);
        raft.Ready(_ready);
        raft.OnAppended(new LogIndex(2), new Term(99));
        Assert.Equal(new LogIndex(1), raft.Committed);
    }

    [Fact]
    public void AReportOfWhatWasNeverTakenIsABug()
    {
        RaftNode raft = Leading();
        Propose(raft, 1);
        Assert.Throws<InvariantException>(() => raft.OnAppended(new LogIndex(2), raft.Term));
    }

    [Fact]
    public void WithoutALeaderTheElectionTimeoutBeginsAnElection()
    {
        RaftNode raft = New();
        for (int i = 0; i < 9; i++)
        {
            raft.Tick();
            Assert.Equal(RaftRole.Follower, raft.Role);
        }

        raft.Tick();
        Assert.Equal((RaftRole.Leader, Me), (raft.Role, raft.Leader));
    }

    [Fact]
    public void ACommitIndexThatMovesAloneIsNotWrittenByItself()
    {
        RaftNode raft = Leading();
        Propose(raft, 1);
        raft.Ready(_ready);
        Append(raft);
        raft.Ready(_ready);
        Assert.False(_ready.HasAppend);
        Propose(raft, 1);
        raft.Ready(_ready);
        Assert.Equal(new LogIndex(2), _ready.HardState!.Value.Commit);
    }

    [Fact]
    public void ALongLogIsForgottenBehindWhatIsApplied()
    {
        RaftNode raft = Leading();
        for (int round = 0; round < 50; round++)
        {
            Propose(raft, 100);
            raft.Ready(_ready);
            Append(raft);
            raft.Ready(_ready);
            Assert.Equal(100, _ready.CommittedEntries.Count);
            raft.OnApplied(raft.Committed);
            Assert.Equal(raft.Applied, raft.ForgottenIndex);
        }

        Assert.Equal(new LogIndex(5001), raft.Applied);
    }

    [Fact]
    public void ACommitIndexBeyondTheLogIsRefusedAtStart() =>
        Assert.Throws<InvariantException>(() => new RaftNode(
            Options(), new RecoveredLog(new HardState(new Term(1), Me, new LogIndex(5)), null, [Entry(1, 1)], default, new ConfState([Me], []))));

    [Fact]
    public void ATermWhoseHardStateWasTornOffIsNotBegunAgain()
    {
        var raft = new RaftNode(Options(), new RecoveredLog(new HardState(new Term(1), Me, default), null, [Entry(3, 1)], default, new ConfState([Me], [])));
        Assert.Equal(new Term(3), raft.Term);
        Hup(raft);
        Assert.Equal(new Term(4), raft.Term);
    }

    /// <summary>
    /// The "Speed": nothing is allocated for an entry beyond the entry. Alone, chunks are used again, so not even its
    /// place in the log is.
    /// </summary>
    [Fact]
    public void ASteadyStreamAllocatesNothing()
    {
        RaftNode raft = Leading();
        Entry[] entries = [.. Enumerable.Repeat(new Entry(default, default, EntryType.Normal, new byte[100]), 16)];
        var propose = new Message { Type = MessageType.Prop, Entries = entries };
        Assert.Equal(0, Allocations.OfTheLeastBatch(500, () =>
        {
            raft.Step(propose);
            raft.Ready(_ready);
            Append(raft);
            raft.Ready(_ready);
            raft.OnApplied(raft.Committed);
        }));
    }

    private static Entry Entry(ulong term, ulong index) => new(new Term(term), new LogIndex(index), EntryType.Normal, new byte[] { 1 });

    private static RaftOptions Options() => new() { Id = Me, Random = static _ => 0 };

    private static RaftNode New() => new(Options(), new RecoveredLog(default, null, [], default, new ConfState([Me], [])));

    private static void Hup(RaftNode raft) =>
        Assert.Equal(StepResult.Accepted, raft.Step(new Message { Type = MessageType.Hup, From = Me, To = Me }));

    private static StepResult Propose(RaftNode raft, int count) => raft.Step(new Message
    {
        Type = MessageType.Prop,
        From = Me,
        Entries = Enumerable.Range(0, count).Select(_ => new Entry(default, default, EntryType.Normal, new byte[] { 1 })).ToArray(),
    });

    private void Append(RaftNode raft) => raft.OnAppended(_ready.Entries[^1].Index, _ready.Entries[^1].Term);

    private RaftNode Leading()
    {
        RaftNode raft = New();
        Hup(raft);
        raft.Ready(_ready);
        Append(raft);
        raft.Ready(_ready);
        raft.OnApplied(new LogIndex(1));
        return raft;
    }
}
