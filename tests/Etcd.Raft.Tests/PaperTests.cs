using Etcd.Raft.Tests.Interaction;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Raft.Tests;

/// <summary>
/// One test per claim of the Raft paper ("In search of an understandable consensus algorithm", extended version) and of
/// Ongaro's thesis, with the section that makes it. Members are driven by hand, so that each claim is seen where it is made.
/// </summary>
public sealed class PaperTests
{
    private static readonly MemberId Two = new(2);
    private readonly Ready _ready = new();

    /// <summary>Paper 5.1: whoever sees a later term takes it over and is a follower.</summary>
    [Theory]
    [InlineData(RaftRole.Follower)]
    [InlineData(RaftRole.Candidate)]
    [InlineData(RaftRole.Leader)]
    public void P5_1_ALaterTermMakesAFollower(RaftRole role)
    {
        RaftNode raft = In(role, term: 1);
        raft.Step(new Message { Type = MessageType.App, From = Two, Term = new Term(7) });
        Assert.Equal((new Term(7), RaftRole.Follower, Two), (raft.Term, raft.Role, raft.Leader));
    }

    /// <summary>Paper 5.1: a request of an earlier term is refused.</summary>
    [Fact]
    public void P5_1_AnEarlierTermIsRefused()
    {
        RaftNode raft = Group.WithLog(1, 5, 3, 1);
        Message late = new() { Type = MessageType.App, From = Two, Term = new Term(4), Index = new LogIndex(1), LogTerm = new Term(1), Entries = Group.Entries(2, 4).ToArray() };
        Assert.Equal(StepResult.Ignored, raft.Step(late));
        Assert.Equal((1UL, 5UL, MemberId.None), (raft.LastIndex.Value, raft.Term.Value, raft.Leader));
        Assert.Equal(StepResult.Ignored, raft.Step(late with { Type = MessageType.Vote, Entries = default }));
        Assert.False(raft.HasReady);
    }

    /// <summary>Paper 5.2: servers start as followers.</summary>
    [Fact]
    public void P5_2_AMemberStartsAsAFollower() => Assert.Equal(RaftRole.Follower, Group.WithLog(1, 3, 3, 1).Role);

    /// <summary>Paper 5.2: a leader sends heartbeats to all followers at each interval.</summary>
    [Fact]
    public void P5_2_ALeaderSendsHeartbeatsAtEachInterval()
    {
        var group = new Group(3, o => o with { HeartbeatTicks = 2 });
        group.Campaign(1);
        group.Sent.Clear();
        group.Tick(1);
        Assert.Empty(group.Sent);
        group.Tick(1);
        Assert.Equal([2UL, 3UL], group.Sent.Where(m => m.Type == MessageType.Heartbeat).Select(m => m.To.Value));
    }

    /// <summary>
    /// Paper 5.2: without a leader a follower or a candidate begins an election: it raises its term, votes for itself and asks all others.
    /// </summary>
    [Theory]
    [InlineData(RaftRole.Follower)]
    [InlineData(RaftRole.Candidate)]
    public void P5_2_ATimeoutBeginsAnElection(RaftRole role)
    {
        RaftNode raft = In(role, term: 1);
        Term before = raft.Term;
        for (int i = 0; i < 20 && raft.Term == before; i++)
        {
            raft.Tick();
        }

        raft.Ready(_ready);
        Assert.Equal((before.Next, RaftRole.Candidate), (raft.Term, raft.Role));
        Assert.Equal(new HardState(before.Next, raft.Id, default), _ready.HardState);
        Message[] asked = [.. _ready.MessagesAfterAppend.Where(m => m.Term == raft.Term)];
        (MessageType, ulong)[] expected = [(MessageType.VoteResp, raft.Id.Value), (MessageType.Vote, 2), (MessageType.Vote, 3)];
        Assert.Equal(expected, asked.Select(m => (m.Type, m.To.Value)).OrderBy(m => m.Value));
        // What leaves before the term is durable asks for no vote: the term could be begun twice.
        Assert.DoesNotContain(_ready.Messages, m => m.Type == MessageType.Vote);
    }

    /// <summary>Paper 5.2: a majority of the votes wins; a majority against loses; less decides nothing.</summary>
    [Theory]
    [InlineData(1, "", RaftRole.Leader)]
    [InlineData(3, "y", RaftRole.Leader)]
    [InlineData(3, "n", RaftRole.Candidate)]
    [InlineData(3, "nn", RaftRole.Follower)]
    [InlineData(5, "y", RaftRole.Candidate)]
    [InlineData(5, "yy", RaftRole.Leader)]
    [InlineData(5, "nny", RaftRole.Candidate)]
    [InlineData(5, "nnyn", RaftRole.Follower)]
    [InlineData(5, "nyy", RaftRole.Leader)]
    public void P5_2_AMajorityDecides(int voters, string votes, RaftRole outcome)
    {
        RaftNode raft = Candidate(voters);
        for (int i = 0; i < votes.Length; i++)
        {
            raft.Step(Vote((ulong)i + 2, raft.Term, granted: votes[i] == 'y'));
        }

        Assert.Equal((outcome, new Term(1)), (raft.Role, raft.Term));
    }

    /// <summary>Paper 5.2: votes that come twice count once, and others' votes never.</summary>
    [Fact]
    public void P5_2_AVoteCountsOnce()
    {
        RaftNode raft = Candidate(5);
        for (int i = 0; i < 5; i++)
        {
            raft.Step(Vote(2, raft.Term, granted: true));
            raft.Step(Vote(9, raft.Term, granted: true));
        }

        Assert.Equal(RaftRole.Candidate, raft.Role);
    }

    /// <summary>Paper 5.2: one vote per term, first come first served.</summary>
    [Theory]
    [InlineData(0, 1, true)]
    [InlineData(1, 1, true)]
    [InlineData(1, 2, false)]
    [InlineData(2, 1, false)]
    public void P5_2_OneVotePerTerm(ulong votedFor, ulong asks, bool granted)
    {
        var raft = new RaftNode(
            Group.Options(3),
            new RecoveredLog(new HardState(new Term(1), new MemberId(votedFor), default), null, [], default, new ConfState([new(1), new(2), new(3)], [])));
        raft.Step(new Message { Type = MessageType.Vote, From = new MemberId(asks), Term = new Term(1) });
        raft.Ready(_ready);
        Assert.Equal(!granted, Assert.Single(_ready.MessagesAfterAppend).Reject);
    }

    /// <summary>Paper 5.2, figure 2; thesis 3.8: term and vote are on stable storage before the vote leaves.</summary>
    [Fact]
    public void P5_2_AVoteLeavesOnlyWithItsHardState()
    {
        RaftNode raft = Group.WithLog(1, 1, 3, 1);
        raft.Step(new Message { Type = MessageType.Vote, From = Two, Term = new Term(2), Index = new LogIndex(1), LogTerm = new Term(1) });
        raft.Ready(_ready);
        Assert.Empty(_ready.Messages);
        Assert.Equal(MessageType.VoteResp, Assert.Single(_ready.MessagesAfterAppend).Type);
        Assert.Equal((new Term(2), Two, true), (_ready.HardState!.Value.Term, _ready.HardState!.Value.Vote, _ready.MustSync));
    }

    /// <summary>Paper 5.2: a candidate that hears from a leader of its term follows it.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void P5_2_ACandidateFollowsALeaderOfItsTerm(ulong term)
    {
        RaftNode raft = Candidate(3);
        raft.Step(new Message { Type = MessageType.App, From = Two, Term = new Term(term) });
        Assert.Equal((RaftRole.Follower, Two, new Term(term)), (raft.Role, raft.Leader, raft.Term));
    }

    /// <summary>Paper 5.2: election timeouts are drawn at random from an interval.</summary>
    [Fact]
    public void P5_2_TimeoutsAreDrawnFromTheInterval()
    {
        var random = new Random(1);
        var seen = new HashSet<int>();
        for (int run = 0; run < 500; run++)
        {
            var raft = new RaftNode(Group.Options(1) with { Random = random.Next }, new RecoveredLog(default, null, [], default, new ConfState([new(1), Two], [])));
            int ticks = 0;
            while (raft.Role == RaftRole.Follower)
            {
                raft.Tick();
                ticks++;
            }

            seen.Add(ticks);
        }

        Assert.Equal(Enumerable.Range(10, 10), seen.Order());
    }

    /// <summary>Paper 5.2: so ties do not last.</summary>
    [Fact]
    public void P5_2_SplitVotesAreRare()
    {
        var random = new Random(2);
        int conflicts = 0;
        for (int run = 0; run < 300; run++)
        {
            var group = new Group(5, o => o with { Random = random.Next });
            bool[] begins = new bool[5];
            while (!begins.Any(b => b))
            {
                for (ulong id = 1; id <= 5; id++)
                {
                    group[id].Tick();
                    begins[id - 1] = group[id].Role != RaftRole.Follower;
                }
            }

            conflicts += begins.Count(b => b) > 1 ? 1 : 0;
        }

        Assert.InRange(conflicts, 1, 150);
    }

    /// <summary>Paper 5.3: a leader appends a proposal to its log and sends it to the others in parallel, before it is durable anywhere.</summary>
    [Fact]
    public void P5_3_ALeaderSendsWhatItAppends()
    {
        RaftNode raft = Leader(3);
        raft.Step(Group.Proposal(EntryType.Normal, "a"));
        raft.Ready(_ready);
        Assert.Equal((new Term(1), new LogIndex(2)), (_ready.Entries[0].Term, _ready.Entries[0].Index));
        Assert.Equal([2UL, 3UL], _ready.Messages.Select(m => m.To.Value));
        Assert.All(_ready.Messages, m =>
        {
            Assert.Equal((MessageType.App, new LogIndex(1), new Term(1)), (m.Type, m.Index, m.LogTerm));
            Assert.Equal(_ready.Entries, m.Entries.ToArray());
        });
    }

    /// <summary>Paper 5.3: an entry is committed when it is on a majority; then it is applied, and the followers are told.</summary>
    [Theory]
    [InlineData(3, 0, false)]
    [InlineData(3, 1, true)]
    [InlineData(5, 1, false)]
    [InlineData(5, 2, true)]
    public void P5_3_AMajorityCommits(int voters, int answers, bool commits)
    {
        RaftNode raft = Leader(voters);
        raft.Step(Group.Proposal(EntryType.Normal, "a"));
        Write(raft);
        for (int i = 0; i < answers; i++)
        {
            raft.Step(Taken((ulong)i + 2, 2));
        }

        Assert.Equal(commits ? 2UL : 1UL, raft.Committed.Value);
        raft.Ready(_ready);
        Assert.Equal(commits ? [2UL] : [], _ready.CommittedEntries.Select(e => e.Index.Value));
        Assert.Equal(commits, _ready.Messages.Any(m => m is { Type: MessageType.App, Commit.Value: 2 }));
    }

    /// <summary>Thesis 10.2.1: the leader's own log counts when it is durable, and may be the last of the majority.</summary>
    [Fact]
    public void T10_2_1_TheLeaderCountsItselfWhenItsLogIsDurable()
    {
        RaftNode raft = Leader(3);
        raft.Step(Group.Proposal(EntryType.Normal, "a"));
        raft.Ready(_ready);
        Entry last = _ready.Entries[^1];
        Assert.Equal(1UL, raft.Committed.Value);
        raft.Step(Taken(2, 2));
        Assert.Equal(1UL, raft.Committed.Value);
        raft.OnAppended(last.Index, last.Term);
        Assert.Equal(2UL, raft.Committed.Value);

        // Two others commit without it, but it applies nothing that is not durable here.
        raft.Step(Group.Proposal(EntryType.Normal, "b"));
        raft.Ready(_ready);
        last = _ready.Entries[^1];
        raft.Step(Taken(2, 3));
        raft.Step(Taken(3, 3));
        Assert.Equal(3UL, raft.Committed.Value);
        raft.Ready(_ready);
        Assert.DoesNotContain(_ready.CommittedEntries, e => e.Index.Value == 3);
        raft.OnAppended(last.Index, last.Term);
        raft.Ready(_ready);
        Assert.Equal(3UL, Assert.Single(_ready.CommittedEntries).Index.Value);
    }

    /// <summary>Paper 5.3: a commit takes all entries before it along, earlier leaders' too.</summary>
    [Theory]
    [InlineData(new ulong[] { })]
    [InlineData(new ulong[] { 2 })]
    [InlineData(new ulong[] { 1, 2 })]
    public void P5_3_EarlierEntriesAreCommittedAlong(ulong[] terms)
    {
        RaftNode raft = Group.WithLog(1, 2, 3, terms);
        Elect(raft);
        Write(raft);
        raft.Step(Taken(2, raft.LastIndex.Value, raft.Term.Value));
        raft.Ready(_ready);
        Assert.Equal([.. terms, 3UL], _ready.CommittedEntries.Select(e => e.Term.Value));
    }

    /// <summary>Paper 5.3: a follower that hears that an entry is committed applies it, in order.</summary>
    [Fact]
    public void P5_3_AFollowerAppliesWhatItHearsIsCommitted()
    {
        RaftNode raft = Group.WithLog(1, 1, 3);
        raft.Step(App(1, 0, 0, commit: 1, 1, 1, 1));
        Write(raft);
        raft.Ready(_ready);
        Assert.Equal([1UL], _ready.CommittedEntries.Select(e => e.Index.Value));
        raft.Step(App(1, 3, 1, commit: 3));
        raft.Ready(_ready);
        Assert.Equal([2UL, 3UL], _ready.CommittedEntries.Select(e => e.Index.Value));
    }

    /// <summary>Paper 5.3: a follower refuses entries unless it has the one before them, and says where the logs may agree.</summary>
    [Theory]
    [InlineData(1, 1, false, 0, 0)]
    [InlineData(2, 2, false, 0, 0)]
    [InlineData(2, 1, true, 1, 1)]
    [InlineData(3, 3, true, 2, 2)]
    [InlineData(3, 1, true, 1, 1)]
    public void P5_3_EntriesMustFollowACommonOne(ulong index, ulong term, bool refused, ulong hint, ulong hintTerm)
    {
        RaftNode raft = Group.WithLog(1, 2, 3, 1, 2);
        raft.Step(App(4, index, term, commit: 0));
        raft.Ready(_ready);
        Message answer = Assert.Single(_ready.MessagesAfterAppend);
        Assert.Equal((refused, new LogIndex(index)), (answer.Reject, answer.Index));
        Assert.Equal((hint, hintTerm), refused ? (answer.RejectHint.Value, answer.LogTerm.Value) : (0UL, 0UL));
    }

    /// <summary>Paper 5.3: what conflicts goes with all behind it; what agrees stays, also if the message is shorter than the log.</summary>
    [Theory]
    [InlineData(2, 2, new ulong[] { 3 }, new ulong[] { 1, 2, 3 })]
    [InlineData(1, 1, new ulong[] { 3, 4 }, new ulong[] { 1, 3, 4 })]
    [InlineData(0, 0, new ulong[] { 1 }, new ulong[] { 1, 2 })]
    [InlineData(0, 0, new ulong[] { 3 }, new ulong[] { 3 })]
    [InlineData(0, 0, new ulong[] { 1, 2 }, new ulong[] { 1, 2 })]
    public void P5_3_ConflictsAreReplaced(ulong index, ulong term, ulong[] entries, ulong[] result)
    {
        RaftNode raft = Group.WithLog(1, 2, 3, 1, 2);
        raft.Step(App(4, index, term, commit: 0, entries));
        Write(raft);
        raft.Step(App(4, raft.LastIndex.Value, result[^1], commit: raft.LastIndex.Value));
        raft.Ready(_ready);
        Assert.Equal(result, _ready.CommittedEntries.Select(e => e.Term.Value));
    }

    /// <summary>Paper 5.3, figure 7: a leader brings every follower's log to its own.</summary>
    [Theory]
    [InlineData(new ulong[] { 1, 1, 1, 4, 4, 5, 5, 6, 6 })]
    [InlineData(new ulong[] { 1, 1, 1, 4 })]
    [InlineData(new ulong[] { 1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6 })]
    [InlineData(new ulong[] { 1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7 })]
    [InlineData(new ulong[] { 1, 1, 1, 4, 4, 4, 4 })]
    [InlineData(new ulong[] { 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3 })]
    public void P5_3_Figure7(ulong[] followers)
    {
        var group = new Group(3);
        group.Replace(1, 7, 1, 1, 1, 4, 4, 5, 5, 6, 6, 6);
        group.Replace(2, 7, followers);
        group.Replace(3, 0);
        group.Campaign(1);
        Assert.Equal(RaftRole.Leader, group[1].Role);
        group.Propose(1, "x");
        Assert.Equal(group.Member(1).DurableEntries.Select(e => Describe.Of(e)), group.Member(2).DurableEntries.Select(e => Describe.Of(e)));
        Assert.Equal(new LogIndex(12), group[2].Committed);
    }

    /// <summary>Paper 5.4.1: no vote for a candidate whose log is behind: an earlier last term, or the same and shorter.</summary>
    [Theory]
    [InlineData(new ulong[] { 1 }, 1, 1, true)]
    [InlineData(new ulong[] { 1 }, 2, 1, true)]
    [InlineData(new ulong[] { 1, 1 }, 1, 1, false)]
    [InlineData(new ulong[] { 1 }, 1, 2, true)]
    [InlineData(new ulong[] { 1, 1 }, 1, 2, true)]
    [InlineData(new ulong[] { 2 }, 1, 1, false)]
    [InlineData(new ulong[] { 2 }, 2, 1, false)]
    [InlineData(new ulong[] { 2, 1 + 1 }, 1, 1, false)]
    public void P5_4_1_NoVoteForALogThatIsBehind(ulong[] log, ulong index, ulong term, bool granted)
    {
        RaftNode raft = Group.WithLog(1, 2, 2, log);
        raft.Step(new Message { Type = MessageType.Vote, From = Two, Term = new Term(3), Index = new LogIndex(index), LogTerm = new Term(term) });
        raft.Ready(_ready);
        Assert.Equal(!granted, Assert.Single(_ready.MessagesAfterAppend).Reject);
    }

    /// <summary>Paper 5.4.1: a candidate says where its log ends.</summary>
    [Fact]
    public void P5_4_1_ACandidateSaysWhereItsLogEnds()
    {
        RaftNode raft = Group.WithLog(1, 3, 2, 1, 3);
        raft.Step(new Message { Type = MessageType.Hup });
        raft.Ready(_ready);
        Message vote = Assert.Single(_ready.MessagesAfterAppend, m => m.Type == MessageType.Vote);
        Assert.Equal((new LogIndex(2), new Term(3), new Term(4)), (vote.Index, vote.LogTerm, vote.Term));
    }

    /// <summary>Paper 5.4.2, figure 8: entries of earlier terms are never committed by counting.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    public void P5_4_2_OnlyTheOwnTermIsCommittedByCounting(ulong onAMajority, bool commits)
    {
        RaftNode raft = Group.WithLog(1, 2, 3, 1, 2);
        Elect(raft);
        Write(raft);
        raft.Step(Taken(2, onAMajority, raft.Term.Value));
        Assert.Equal(commits ? onAMajority : 0, raft.Committed.Value);
    }

    /// <summary>Thesis 3.10: the target gets what it lacks, then the word to begin, and is elected against every lease.</summary>
    [Fact]
    public void T3_10_LeadershipIsHandedOver()
    {
        var group = new Group(3, o => o with { CheckQuorum = true, PreVote = true });
        group.Campaign(1);
        group.Step(1, new Message { Type = MessageType.TransferLeader, From = Two });
        Assert.Equal(Two, group[1].TransferTarget);
        Assert.Equal(StepResult.Dropped, group.Propose(1, "a"));
        Assert.Equal((RaftRole.Leader, Two, MemberId.None), (group[2].Role, group[1].Leader, group[1].TransferTarget));
        Assert.Equal(StepResult.Accepted, group.Propose(2, "a"));
    }

    /// <summary>Thesis 3.10: it is given up after an election timeout, and proposals are taken again.</summary>
    [Fact]
    public void T3_10_AHandOverIsGivenUp()
    {
        var group = new Group(3);
        group.Campaign(1);
        group.Drop = m => m.To == Two;
        group.Step(1, new Message { Type = MessageType.TransferLeader, From = Two });
        group.Tick(1, 9);
        Assert.Equal(Two, group[1].TransferTarget);
        group.Tick(1);
        Assert.Equal(MemberId.None, group[1].TransferTarget);
        Assert.Equal(StepResult.Accepted, group.Propose(1, "a"));
    }

    /// <summary>Thesis 4.1: one change of the membership at a time.</summary>
    [Fact]
    public void T4_1_OneChangeAtATime()
    {
        var group = new Group(3);
        group.Campaign(1);
        group.Step(1, Group.Proposal(EntryType.ConfChange, "l4"));
        group.Step(1, Group.Proposal(EntryType.ConfChange, "l5"));
        group.Settle();
        Assert.Equal(["1/1 \"\"", "1/2 ConfChange l4", "1/3 \"\""], group.Member(1).Applied);
        group.Change(1, "l5");
        Assert.Equal([4UL, 5UL], group[3].Configuration.Learners.Select(l => l.Value));
    }

    /// <summary>Thesis 4.2.1: a new member that only receives counts for no majority and is no candidate.</summary>
    [Fact]
    public void T4_2_1_ALearnerCountsForNothing()
    {
        var group = new Group(2);
        group.Campaign(1);
        group.Add(3, ConfState.Empty);
        group.Change(1, "l3");
        Assert.Equal(group[1].Applied, group[3].Applied);
        group.Tick(3, 50);
        Assert.Equal(RaftRole.Follower, group[3].Role);
        group.Drop = m => m.To == Two;
        LogIndex before = group[1].Committed;
        group.Propose(1, "a");
        Assert.Equal(before, group[1].Committed);
        group.Drop = _ => false;
        group.Tick(1);
        Assert.True(group[1].Committed > before);
    }

    /// <summary>Thesis 4.2.2: a leader that is taken out leads until that is committed, and steps down then.</summary>
    [Fact]
    public void T4_2_2_ARemovedLeaderStepsDownWhenItIsCommitted()
    {
        var group = new Group(3);
        group.Campaign(1);
        group.Step(1, Group.Proposal(EntryType.ConfChange, "r1"));
        Assert.Equal(RaftRole.Leader, group[1].Role);
        group.Settle();
        Assert.Equal(RaftRole.Follower, group[1].Role);
        Assert.Equal(group[2].Committed, group[1].Committed);
        group.Tick(1, 50);
        Assert.Equal(RaftRole.Follower, group[1].Role);
        group.Campaign(2);
        Assert.Equal(RaftRole.Leader, group[2].Role);
    }

    /// <summary>Thesis 4.2.3: who hears a leader gives no vote, so that a removed member disrupts nobody.</summary>
    [Fact]
    public void T4_2_3_WhoHearsALeaderGivesNoVote()
    {
        var group = new Group(3, o => o with { CheckQuorum = true });
        group.Campaign(1);
        var vote = new Message { Type = MessageType.Vote, From = new MemberId(3), Term = new Term(9), Index = new LogIndex(9), LogTerm = new Term(8) };
        Assert.Equal(StepResult.Ignored, group.Step(2, vote));
        Assert.Equal(new Term(1), group[2].Term);
        for (int i = 0; i < 9; i++)
        {
            group[2].Tick();
        }

        Assert.Equal(StepResult.Ignored, group.Step(2, vote));
        Assert.Equal(StepResult.Accepted, group.Step(2, vote with { Context = "CampaignTransfer"u8.ToArray() }));
    }

    /// <summary>Thesis 6.2: a leader that hears of no majority for an election timeout steps down.</summary>
    [Fact]
    public void T6_2_ALeaderWithoutAMajorityStepsDown()
    {
        var group = new Group(3, o => o with { CheckQuorum = true });
        group.Campaign(1);
        group.Tick(1, 30);
        Assert.Equal(RaftRole.Leader, group[1].Role);
        group.Drop = m => m.From.Value != 1;
        group.Tick(1, 20);
        Assert.Equal((RaftRole.Follower, MemberId.None), (group[1].Role, group[1].Leader));
    }

    /// <summary>Thesis 6.4: a read is served at what was committed, after a majority has confirmed the leader.</summary>
    [Fact]
    public void T6_4_AReadIsConfirmedByAMajority()
    {
        var group = new Group(3);
        group.Campaign(1);
        group.Propose(1, "a");
        group.Drop = m => m.Type == MessageType.HeartbeatResp;
        Read(group, 1, "r");
        Assert.Empty(group.Reads);
        group.Drop = m => m.To.Value == 3;
        group.Tick(1);
        Assert.Equal(new LogIndex(2), Assert.Single(group.Reads).Read.Index);
    }

    /// <summary>Thesis 6.4, step 1: not before the leader has committed an entry of its own term.</summary>
    [Fact]
    public void T6_4_AReadWaitsForTheFirstCommitOfTheTerm()
    {
        var group = new Group(3) { Drop = m => m.Type == MessageType.AppResp };
        group.Campaign(1);
        Read(group, 1, "r");
        group.Tick(1);
        Assert.Empty(group.Reads);
        group.Drop = _ => false;
        group.Tick(1);
        Assert.Equal(new LogIndex(1), Assert.Single(group.Reads).Read.Index);
    }

    /// <summary>Thesis 6.4: a follower asks the leader.</summary>
    [Fact]
    public void T6_4_AFollowerAsksTheLeader()
    {
        var group = new Group(3);
        Assert.Equal(StepResult.Dropped, group.Step(2, new Message { Type = MessageType.ReadIndex }));
        group.Campaign(1);
        Read(group, 2, "r");
        Assert.Equal(2UL, Assert.Single(group.Reads).Member);
    }

    /// <summary>Thesis 9.6: a member that was cut off does not raise its term, and disrupts nobody when it is back.</summary>
    [Fact]
    public void T9_6_PreVoteLeavesTheTermAlone()
    {
        var group = new Group(3, o => o with { PreVote = true });
        group.Campaign(1);
        group.Drop = m => m.To.Value == 3 || m.From.Value == 3;
        group.Propose(1, "a");
        group.Tick(3, 100);
        Assert.Equal((new Term(1), RaftRole.PreCandidate), (group[3].Term, group[3].Role));
        group.Drop = _ => false;
        group.Tick(3, 10);
        group.Tick(1);
        Assert.Equal((RaftRole.Leader, new Term(1)), (group[1].Role, group[1].Term));
        Assert.Equal(group[1].Committed, group[3].Committed);
    }

    /// <summary>Thesis 5: a follower takes a snapshot that is ahead of it in place of its log.</summary>
    [Fact]
    public void T5_ASnapshotReplacesTheLog()
    {
        RaftNode raft = Group.WithLog(1, 2, 3, 1, 2, 2);
        var snapshot = new Snapshot(new LogIndex(9), new Term(3), new ConfState([new(1), Two], [new(5)]), default);
        raft.Step(new Message { Type = MessageType.Snap, From = Two, Term = new Term(4), Snapshot = snapshot });
        raft.Ready(_ready);
        Assert.Equal(snapshot, _ready.Snapshot);
        Assert.Equal((9UL, 9UL, 9UL, 0UL), (raft.LastIndex.Value, raft.Committed.Value, raft.ForgottenIndex.Value, raft.Applied.Value));
        Assert.Equal(5UL, Assert.Single(raft.Configuration.Learners).Value);
        Message answer = Assert.Single(_ready.MessagesAfterAppend);
        Assert.Equal((MessageType.AppResp, 9UL, false), (answer.Type, answer.Index.Value, answer.Reject));
    }

    private static void Read(Group group, ulong id, string context)
    {
        group.Step(id, new Message { Type = MessageType.ReadIndex, Context = System.Text.Encoding.UTF8.GetBytes(context) });
        group.Settle();
    }

    private static Message Vote(ulong from, Term term, bool granted) =>
        new() { Type = MessageType.VoteResp, From = new MemberId(from), Term = term, Reject = !granted };

    private static Message Taken(ulong from, ulong index, ulong term = 1) =>
        new() { Type = MessageType.AppResp, From = new MemberId(from), Term = new Term(term), Index = new LogIndex(index) };

    private static Message App(ulong term, ulong index, ulong logTerm, ulong commit, params ulong[] entries) => new()
    {
        Type = MessageType.App,
        From = Two,
        Term = new Term(term),
        Index = new LogIndex(index),
        LogTerm = new Term(logTerm),
        Commit = new LogIndex(commit),
        Entries = Group.Entries(index + 1, entries).ToArray(),
    };

    private RaftNode In(RaftRole role, ulong term) => role switch
    {
        RaftRole.Follower => Group.WithLog(1, term, 3),
        RaftRole.Candidate => Candidate(3),
        _ => Leader(3),
    };

    private RaftNode Candidate(int voters)
    {
        RaftNode raft = Group.WithLog(1, 0, voters);
        raft.Step(new Message { Type = MessageType.Hup });
        GiveBack(raft);
        return raft;
    }

    private void Elect(RaftNode raft)
    {
        raft.Step(new Message { Type = MessageType.Hup });
        GiveBack(raft);
        for (ulong id = 2; id <= (ulong)raft.Configuration.Voters.Count; id++)
        {
            raft.Step(Vote(id, raft.Term, granted: true));
        }

        Assert.Equal(RaftRole.Leader, raft.Role);
    }

    private RaftNode Leader(int voters)
    {
        RaftNode raft = Group.WithLog(1, 0, voters);
        Elect(raft);
        Write(raft);
        for (ulong id = 2; id <= (ulong)voters; id++)
        {
            raft.Step(Taken(id, 1));
        }

        raft.Ready(_ready);
        raft.OnApplied(raft.Committed);
        return raft;
    }

    private void GiveBack(RaftNode raft)
    {
        raft.Ready(_ready);
        foreach (Message own in _ready.MessagesAfterAppend.Where(m => m.To == raft.Id).ToArray())
        {
            raft.Step(own);
        }
    }

    private void Write(RaftNode raft)
    {
        raft.Ready(_ready);
        if (_ready.Entries.Count > 0)
        {
            raft.OnAppended(_ready.Entries[^1].Index, _ready.Entries[^1].Term);
        }
    }
}
