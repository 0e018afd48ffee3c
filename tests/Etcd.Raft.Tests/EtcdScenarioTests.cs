using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Raft.Tests;

/// <summary>The scenarios of etcd-io/raft's raft_test.go that no script and no other test here has.</summary>
public sealed class EtcdScenarioTests
{
    private static readonly MemberId One = new(1);
    private static readonly MemberId Two = new(2);
    private static readonly MemberId Three = new(3);

    private readonly Ready _ready = new();

    /// <summary>Whatever a member is, it votes for a better candidate of a later term, and follows.</summary>
    [Theory]
    [InlineData(RaftRole.Follower)]
    [InlineData(RaftRole.PreCandidate)]
    [InlineData(RaftRole.Candidate)]
    [InlineData(RaftRole.Leader)]
    public void AVoteIsGivenInEveryRole(RaftRole role)
    {
        Group group = In(role);
        group.Step(1, Ask(MessageType.Vote, group[1], term: group[1].Term.Value + 1));
        group[1].Ready(_ready);
        Message answer = _ready.MessagesAfterAppend.Last(m => m.Type == MessageType.VoteResp);
        Assert.Equal((Two, false, RaftRole.Follower), (answer.To, answer.Reject, group[1].Role));
        Assert.Equal((group[1].Term, Two), (_ready.HardState!.Value.Term, _ready.HardState.Value.Vote));
    }

    /// <summary>A granted pre-vote changes nothing.</summary>
    [Theory]
    [InlineData(RaftRole.Follower)]
    [InlineData(RaftRole.PreCandidate)]
    [InlineData(RaftRole.Candidate)]
    [InlineData(RaftRole.Leader)]
    public void APreVoteIsGivenInEveryRoleAndChangesNothing(RaftRole role)
    {
        Group group = In(role);
        Term before = group[1].Term;
        group[1].Ready(_ready);
        group.Step(1, Ask(MessageType.PreVote, group[1], term: before.Value + 1));
        group[1].Ready(_ready);
        Message answer = _ready.MessagesAfterAppend.Last(m => m.Type == MessageType.PreVoteResp && m.To == Two);
        Assert.Equal((false, before.Next), (answer.Reject, answer.Term));
        Assert.Equal((role, before), (group[1].Role, group[1].Term));
        Assert.Null(_ready.HardState);
    }

    [Fact]
    public void OfTwoCandidatesTheOneWithoutTheLogIsNotElected()
    {
        var group = new Group(3) { Drop = m => Between(m, One, Three) };
        group.Campaign(1);
        group.Campaign(3);
        Assert.Equal((RaftRole.Leader, RaftRole.Candidate), (group[1].Role, group[3].Role));
        group.Drop = static _ => false;
        group.Campaign(3);
        Assert.All([1UL, 2UL, 3UL], id => Assert.Equal((RaftRole.Follower, new Term(2)), (group[id].Role, group[id].Term)));
        Assert.Equal((1UL, 1UL, 0UL), (group[1].LastIndex.Value, group[2].LastIndex.Value, group[3].LastIndex.Value));
    }

    [Fact]
    public void OfTwoPreCandidatesTheOneWithoutTheLogDeposesNobody()
    {
        var group = new Group(3, static o => o with { PreVote = true }) { Drop = m => Between(m, One, Three) };
        group.Campaign(1);
        group.Campaign(3);
        group.Drop = static _ => false;
        group.Campaign(3);
        Assert.Equal((RaftRole.Leader, new Term(1)), (group[1].Role, group[1].Term));
        Assert.Equal(RaftRole.Follower, group[3].Role);
    }

    /// <summary>The own vote became durable when the election was lost already.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AnOwnVoteThatComesAfterTheElectionIsLostCountsForNothing(bool preVote)
    {
        var raft = new RaftNode(Group.Options(1) with { PreVote = preVote }, Fresh(3));
        raft.Step(new Message { Type = MessageType.Hup });
        Message own = OwnOf(raft);
        raft.Step(new Message { Type = MessageType.Heartbeat, From = Two, Term = raft.Term == default ? new Term(1) : raft.Term });
        raft.Step(own);
        Assert.Equal((RaftRole.Follower, Two), (raft.Role, raft.Leader));
        raft.Step(new Message { Type = own.Type, From = Three, Term = own.Term });
        Assert.Equal((RaftRole.Follower, new Term(1)), (raft.Role, raft.Term));
    }

    /// <summary>The others' pre-votes were enough; the own one, which comes later, is no vote.</summary>
    [Fact]
    public void AnOwnPreVoteIsNoVote()
    {
        var raft = new RaftNode(Group.Options(1) with { PreVote = true }, Fresh(3));
        raft.Step(new Message { Type = MessageType.Hup });
        Message own = OwnOf(raft);
        raft.Step(new Message { Type = MessageType.PreVoteResp, From = Two, Term = new Term(1) });
        raft.Step(new Message { Type = MessageType.PreVoteResp, From = Three, Term = new Term(1) });
        Assert.Equal((RaftRole.Candidate, new Term(1)), (raft.Role, raft.Term));
        raft.Step(own);
        raft.Step(new Message { Type = MessageType.VoteResp, From = Two, Term = new Term(1) });
        Assert.Equal(RaftRole.Candidate, raft.Role);
        raft.Step(OwnOf(raft));
        Assert.Equal(RaftRole.Leader, raft.Role);
    }

    /// <summary>A leader's own log becomes durable when it does not lead any more.</summary>
    [Fact]
    public void AReportThatComesAfterTheTermCommitsNothing()
    {
        var group = new Group(3);
        group.Campaign(1);
        group.Step(1, Group.Proposal(EntryType.Normal, "a"));
        group[1].Ready(_ready);
        Entry proposed = Assert.Single(_ready.Entries);
        group.Step(1, new Message { Type = MessageType.AppResp, From = Two, Term = group[1].Term, Index = proposed.Index });
        group.Step(1, new Message { Type = MessageType.Heartbeat, From = Two, Term = group[1].Term.Next });
        group[1].OnAppended(proposed.Index, proposed.Term);
        Assert.True(group[1].Committed < proposed.Index);
    }

    /// <summary>Whoever has heard of no leader for an election timeout may vote again, though the leader is still there.</summary>
    [Fact]
    public void ALeaderIsSupersededWhenALeaseHasEnded()
    {
        var group = new Group(3, static o => o with { CheckQuorum = true, Random = static _ => 5 });
        group.Campaign(1);
        group.Campaign(3);
        Assert.Equal((RaftRole.Leader, RaftRole.Candidate), (group[1].Role, group[3].Role));
        group.Tick(2, 10);
        group.Campaign(3);
        Assert.Equal((RaftRole.Leader, RaftRole.Follower), (group[3].Role, group[1].Role));
    }

    /// <summary>A member that does not know yet that it votes, votes.</summary>
    [Fact]
    public void AVoterThatDoesNotKnowThatItIsOneVotes()
    {
        var group = new Group(0);
        group.Add(1, new ConfState([One, Two], []), static o => o with { CheckQuorum = true });
        group.Add(2, new ConfState([One], []), static o => o with { CheckQuorum = true });
        group.Tick(2, 30);
        Assert.Equal(RaftRole.Follower, group[2].Role);
        group.Campaign(1);
        Assert.Equal((RaftRole.Leader, One), (group[1].Role, group[2].Leader));
    }

    /// <summary>A new member has an election timeout's time before it counts as silent.</summary>
    [Fact]
    public void ANewMemberDoesNotDeposeItsLeader()
    {
        var group = new Group(1, static o => o with { CheckQuorum = true });
        group.Campaign(1);
        group.Tick(1, 9);
        group.Change(1, "v2");
        group.Tick(1);
        Assert.Equal(RaftRole.Leader, group[1].Role);
        group.Tick(1, 10);
        Assert.Equal(RaftRole.Follower, group[1].Role);
    }

    /// <summary>What waits for a member's answer is committed when that member is taken out.</summary>
    [Fact]
    public void ARemovalCommitsWhatTheOthersHave()
    {
        var group = new Group(2);
        group.Campaign(1);
        group.Drop = static m => m is { Type: MessageType.AppResp, Index.Value: > 2 };
        group.Step(1, Group.Proposal(EntryType.ConfChange, "r2"));
        group.Step(1, Group.Proposal(EntryType.Normal, "x"));
        group.Settle();
        Assert.Equal(new LogIndex(3), group[1].Applied);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ALeaderDoesNotCampaign(bool preVote)
    {
        var group = new Group(2, o => o with { PreVote = preVote });
        group.Campaign(1);
        Assert.Equal(StepResult.Ignored, group.Step(1, new Message { Type = MessageType.Hup }));
        Assert.Equal((RaftRole.Leader, new Term(1)), (group[1].Role, group[1].Term));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    public void TheLeadershipIsNotHandedToTheLeaderOrToNobodysMember(ulong target)
    {
        var group = new Group(3);
        group.Campaign(1);
        Assert.Equal(StepResult.Ignored, group.Step(1, new Message { Type = MessageType.TransferLeader, From = new MemberId(target) }));
        Assert.Equal(MemberId.None, group[1].TransferTarget);
    }

    /// <summary>A wish that the leader stay takes an earlier wish back.</summary>
    [Fact]
    public void AHandOverIsTakenBack()
    {
        var group = new Group(3) { Drop = static m => m.To.Value == 3 || m.From.Value == 3 };
        group.Campaign(1);
        group.Propose(1, "a");
        group.Step(1, new Message { Type = MessageType.TransferLeader, From = Three });
        Assert.Equal(StepResult.Dropped, group.Propose(1, "b"));
        group.Step(1, new Message { Type = MessageType.TransferLeader, From = One });
        Assert.Equal(MemberId.None, group[1].TransferTarget);
        Assert.Equal(StepResult.Accepted, group.Propose(1, "b"));
        group.Drop = static _ => false;
        group.Tick(1, 3);
        Assert.Equal((RaftRole.Leader, group[1].Committed), (group[1].Role, group[3].Committed));
    }

    [Fact]
    public void AHandOverEndsWithTheTerm()
    {
        var group = new Group(3) { Drop = static m => m.To.Value == 3 || m.From.Value == 3 };
        group.Campaign(1);
        group.Step(1, new Message { Type = MessageType.TransferLeader, From = Three });
        group.Campaign(2);
        Assert.Equal((RaftRole.Follower, MemberId.None), (group[1].Role, group[1].TransferTarget));
    }

    [Fact]
    public void AHandOverToAMemberThatBecomesALearnerIsGivenUp()
    {
        var group = new Group(3) { Drop = static m => m.Type == MessageType.TimeoutNow };
        group.Campaign(1);
        group.Step(1, Group.Proposal(EntryType.ConfChange, "l3"));
        group.Step(1, new Message { Type = MessageType.TransferLeader, From = Three });
        Assert.Equal(Three, group[1].TransferTarget);
        group.Settle();
        Assert.Equal(MemberId.None, group[1].TransferTarget);
        Assert.Equal(StepResult.Accepted, group.Propose(1, "a"));
    }

    /// <summary>The word to begin reaches a member that was taken out.</summary>
    [Fact]
    public void WhoIsNoMemberDoesNotBeginWhateverItIsTold()
    {
        RaftNode raft = new(Group.Options(1), Fresh(3) with { Configuration = new ConfState([Two, Three, new MemberId(4)], []) });
        raft.Step(new Message { Type = MessageType.TimeoutNow, From = Two, Term = new Term(1) });
        raft.Step(new Message { Type = MessageType.VoteResp, From = Two, Term = new Term(1) });
        raft.Step(new Message { Type = MessageType.VoteResp, From = Three, Term = new Term(1) });
        Assert.Equal(RaftRole.Follower, raft.Role);
    }

    /// <summary>A member whose term is ahead and whose log is behind answers, and so the others get to its term and beyond.</summary>
    [Fact]
    public void AnElectionIsWonOverAMemberWithALaterTerm()
    {
        var group = new Group(3, static o => o with { PreVote = true, CheckQuorum = true });
        group.Campaign(1);
        group.Propose(1, "a");
        group.Replace(3, 5);
        group.Drop = static m => m.To.Value == 1 || m.From.Value == 1;
        group.Tick(2, 10);
        Assert.Equal((RaftRole.Follower, new Term(5)), (group[2].Role, group[2].Term));
        group.Tick(2, 10);
        Assert.Equal((RaftRole.Leader, new Term(6)), (group[2].Role, group[2].Term));
    }

    /// <summary>Two that were both found worthy split the vote; the next round decides.</summary>
    [Fact]
    public void ASplitVoteAfterPreVotesIsRepeated()
    {
        var group = new Group(3, static o => o with { PreVote = true });
        group.Campaign(1);
        group.Drop = static m => m.To.Value == 1 || m.From.Value == 1;
        group.Step(2, new Message { Type = MessageType.Hup });
        group.Step(3, new Message { Type = MessageType.Hup });
        group.Settle();
        Assert.Equal((RaftRole.Candidate, RaftRole.Candidate), (group[2].Role, group[3].Role));
        Assert.Equal((new Term(2), new Term(2)), (group[2].Term, group[3].Term));
        group.Campaign(2);
        Assert.Equal((RaftRole.Leader, new Term(3), RaftRole.Follower), (group[2].Role, group[2].Term, group[3].Role));
    }

    /// <summary>Entries of a later term that no majority ever had are replaced by an elected leader's older ones.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void EntriesOfALaterTermAreReplacedIfAnotherIsElected(bool preVote)
    {
        var group = new Group(5, o => o with { PreVote = preVote });
        group.Replace(1, 1, 1);
        group.Replace(2, 1, 1);
        group.Replace(3, 2, 2);
        foreach (ulong id in new ulong[] { 4, 5 })
        {
            group.Step(id, new Message { Type = MessageType.Vote, From = Three, Term = new Term(2), Index = new LogIndex(1), LogTerm = new Term(2) });
        }

        group.Campaign(1);
        Assert.Equal((RaftRole.Follower, new Term(2)), (group[1].Role, group[1].Term));
        group.Campaign(1);
        Assert.Equal((RaftRole.Leader, new Term(3)), (group[1].Role, group[1].Term));
        Assert.All([1UL, 2UL, 3UL, 4UL, 5UL], id => Assert.Equal([1UL, 3UL], group.Member(id).DurableEntries.Select(e => e.Term.Value)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void EveryMemberCanLeadInTurn(bool preVote)
    {
        var group = new Group(3, o => o with { PreVote = preVote });
        for (ulong round = 0; round < 9; round++)
        {
            ulong next = 1 + (round % 3);
            group.Campaign(next);
            Assert.All([1UL, 2UL, 3UL], id => Assert.Equal(id == next ? RaftRole.Leader : RaftRole.Follower, group[id].Role));
        }
    }

    /// <summary>A refusal that is older than what is known lowers nothing.</summary>
    [Fact]
    public void ALateRefusalLowersNothing()
    {
        var group = new Group(3);
        group.Campaign(1);
        group.Propose(1, "a");
        group.Propose(1, "b");
        MemberProgress before = ProgressOf(group, 2);
        Assert.Equal(ProgressState.Replicate, before.State);
        foreach (ulong index in new ulong[] { 1, 2, before.Match.Value })
        {
            group.Step(1, new Message
            {
                Type = MessageType.AppResp,
                From = Two,
                Term = group[1].Term,
                Index = new LogIndex(index),
                Reject = true,
                RejectHint = new LogIndex(index - 1),
            });
            Assert.Equal(before, ProgressOf(group, 2));
        }
    }

    /// <summary>A snapshot says who votes: a voter may have become a learner meanwhile, and a learner a voter.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ASnapshotSaysWhoVotes(bool becomesVoter)
    {
        var others = new MemberId[] { Two, Three };
        var all = new MemberId[] { One, Two, Three };
        var with = new ConfState(all, []);
        var without = new ConfState(others, [One]);
        var raft = new RaftNode(Group.Options(1), Fresh(3) with { Configuration = becomesVoter ? without : with });
        raft.Step(new Message
        {
            Type = MessageType.Snap,
            From = Two,
            Term = new Term(2),
            Snapshot = new Snapshot(new LogIndex(9), new Term(2), becomesVoter ? with : without, default),
        });
        raft.Ready(_ready);
        raft.OnAppended(new LogIndex(9), new Term(2));
        raft.OnApplied(new LogIndex(9));
        for (int i = 0; i < 40; i++)
        {
            raft.Tick();
        }

        Assert.Equal(becomesVoter ? RaftRole.Candidate : RaftRole.Follower, raft.Role);
    }

    [Fact]
    public void AMemberThatIsAddedAgainIsStillOne()
    {
        var group = new Group(2);
        group.Campaign(1);
        MemberProgress before = ProgressOf(group, 2);
        group.Change(1, "v2");
        Assert.Equal([1UL, 2UL], group[1].Configuration.Voters.Select(v => v.Value));
        Assert.True(ProgressOf(group, 2).Match >= before.Match);
    }

    private static bool Between(in Message message, MemberId a, MemberId b) =>
        (message.From == a && message.To == b) || (message.From == b && message.To == a);

    private static RecoveredLog Fresh(int voters) => new(
        default, null, [], default, new ConfState([.. Enumerable.Range(1, voters).Select(n => new MemberId((ulong)n))], []));

    private static Message Ask(MessageType type, RaftNode of, ulong term) => new()
    {
        Type = type,
        From = Two,
        Term = new Term(term),
        Index = new LogIndex(of.LastIndex.Value + 1),
        LogTerm = new Term(term),
    };

    private static Group In(RaftRole role)
    {
        var group = new Group(3, o => o with { PreVote = role == RaftRole.PreCandidate }) { Drop = m => role != RaftRole.Leader };
        if (role != RaftRole.Follower)
        {
            group.Campaign(1);
        }

        Assert.Equal(role, group[1].Role);
        return group;
    }

    private static MemberProgress ProgressOf(Group group, ulong id)
    {
        var progress = new List<MemberProgress>();
        group[1].CopyProgress(progress);
        return progress.Single(p => p.Member.Value == id);
    }

    private Message OwnOf(RaftNode raft)
    {
        raft.Ready(_ready);
        return Assert.Single(_ready.MessagesAfterAppend, m => m.To == raft.Id);
    }
}
