using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Simulation.Checkers;

namespace Etcd.Simulation.Tests;

/// <summary>Rules that no mutation breaks by itself: that they can be broken.</summary>
public sealed class CheckerTests
{
    private static readonly MemberId Member = new(1);

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void AChangeWhoseForerunnerIsNotKnownToBeCommittedIsNoticed(ulong commit, bool isRight)
    {
        var state = new HardState(new Term(1), MemberId.None, new LogIndex(commit));
        Entry[] entries =
        [
            new(new Term(1), new LogIndex(2), EntryType.ConfChange, new byte[] { 1 }),
            new(new Term(1), new LogIndex(3), EntryType.Normal, default),
            new(new Term(1), new LogIndex(4), EntryType.ConfChange, new byte[] { 2 }),
        ];
        Entry[] all = [new(new Term(1), new LogIndex(1), EntryType.ConfChange, new byte[] { 0 }), .. entries];
        var checker = new ConsensusChecker { FirstEntries = 1 };
        checker.OnBegin(Member, state with { Commit = new LogIndex(1) }, [all[0]]);
        checker.OnAppend(Member, state, entries);
        checker.OnSynced(Member);
        Exception? found = Record.Exception(() => checker.OnRecovered(Member, state, default, default, all));
        Assert.Equal(isRight ? null : "one change at a time", (found as SimulationFailure)?.Checker);
        Assert.Equal(isRight, found is null);
    }
}
