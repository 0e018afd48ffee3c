using Etcd.Server.Apply;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Simulation.Faults;
using Etcd.Simulation.Members;

namespace Etcd.Simulation.Tests;

/// <summary>
/// Failures that etcd has had, and that this server had while it was built, each as a scenario with the whole server under all
/// checkers. Many seeds where timing decides.
/// </summary>
public sealed class RegressionTests
{
    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 20).Select(static i => (ulong)i)];

    /// <summary>
    /// etcd #20418: a leader is stopped for longer than an election takes, with reads under way and others that arrive while it is
    /// stopped; a new leader writes. When it goes on, what the old answers confirm may not serve the later reads.
    /// </summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void AnEtcdLeaderThatWasPausedServesNoStaleRead(ulong seed)
    {
        var run = new Scenario(seed);
        Machine old = run.Leader();
        run.PutAndWait(old);
        Scenario.AskedRead before = run.Read(old, "k");
        old.Pause(5 * TimeSpan.TicksPerSecond);
        Machine next = run.Leader(except: old);
        run.PutAndWait(next);
        Assert.True(old.IsPaused, "the new leader has written while the old one stands still");
        Scenario.AskedRead during = run.Read(old, "k");
        run.RunUntil("the old leader goes on", () => !old.IsPaused);
        for (int i = 0; i < 500 && !(before.IsOver && during.IsOver); i++)
        {
            run.Run(1);
            _ = before.IsConfirmed;
            _ = during.IsConfirmed;
        }

        run.PutAndWait(next);
        run.Converge();
    }

    /// <summary>etcd #18055: a follower that gets one snapshot behind the other.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void TwoSnapshotsInARowAreInstalled(ulong seed)
    {
        var run = new Scenario(seed, new SwarmOptions { CatchUpEntries = 5 });
        Machine leader = run.Leader();
        Machine slow = run.Up.First(m => m != leader);
        for (int round = 0; round < 3; round++)
        {
            run.Isolate(slow);
            for (int i = 0; i < 20; i++)
            {
                run.PutAndWait(run.Leader(except: slow));
            }

            long snapshots = run.Cluster.Network.SnapshotsDelivered;
            run.Cluster.Network.Heal();
            run.RunUntil("a snapshot", () => run.Cluster.Network.SnapshotsDelivered > snapshots);
            if (round == 0)
            {
                // The first one is not even installed yet.
                continue;
            }

            run.Converge();
            slow.Kill();
            run.RunUntil("it is back", () => slow.IsUp);
        }

        run.Converge();
    }

    /// <summary>A snapshot arrives, and the power of the receiver fails at each operation of its disk in turn.</summary>
    [Fact]
    public void ASnapshotIsTakenWhereverItIsInterrupted()
    {
        bool isInterrupted = true;
        for (int operation = 1; isInterrupted; operation++)
        {
            var run = new Scenario((ulong)operation, new SwarmOptions { CatchUpEntries = 5 });
            Machine leader = run.Leader();
            Machine slow = run.Up.First(m => m != leader);
            run.Isolate(slow);
            for (int i = 0; i < 15; i++)
            {
                run.PutAndWait(leader);
            }

            Life before = slow.Life!;
            slow.Disk.CrashAtOperation = slow.Disk.Operations + operation;
            run.Cluster.Network.Heal();
            run.RunUntil("it has crashed, or everything", () => slow.Life != before || before.Applied == leader.Life!.Applied);
            isInterrupted = slow.Life != before;
            Assert.True(isInterrupted || operation > 10, $"a snapshot takes more than {operation - 1} operations");
            run.PutAndWait(run.Leader());
            run.Converge();
        }
    }

    /// <summary>A member that starts from a snapshot, with no change of the membership behind it, takes part again.</summary>
    [Fact]
    public void AMemberThatStartsFromASnapshotTakesPart()
    {
        var run = new Scenario(1, new SwarmOptions { CatchUpEntries = 5 });
        Machine leader = run.Leader();
        Machine slow = run.Up.First(m => m != leader);
        run.Isolate(slow);
        for (int i = 0; i < 20; i++)
        {
            run.PutAndWait(leader);
        }

        run.Cluster.Network.Heal();
        run.Converge();
        run.PutAndWait(leader);
        run.Converge();
        slow.PowerFailure();
        run.RunUntil("it is back", () => slow.IsUp);
        run.PutAndWait(run.Leader());
        run.Converge();

        // It must be able to lead, too: of the three only two are left, and the other one is behind.
        run.Leader().HoldDown();
        run.PutAndWait(run.Leader());
    }

    /// <summary>etcd #14370: a single member acknowledges only what is synced; the power fails at each operation of the disk in turn.</summary>
    [Fact]
    public void ASingleMemberAcknowledgesOnlyWhatIsDurable()
    {
        for (int operation = 1; operation < 40; operation++)
        {
            var run = new Scenario((ulong)operation, new SwarmOptions { Members = 1 });
            Machine only = run.Leader();
            only.Disk.CrashAtOperation = only.Disk.Operations + operation;
            for (int i = 0; i < 30; i++)
            {
                if (only.Life is not null)
                {
                    Scenario.Asked asked = run.Put(only, "k" + i, "v");
                    run.Run(10);
                    _ = asked.IsAnswered;
                }
                else
                {
                    run.Run(100);
                }
            }

            run.RunUntil("it is back", () => only.IsUp);
            run.Converge();
        }
    }

    /// <summary>etcd 3.6.11: a member can be added while another one is down, for a majority is there.</summary>
    [Fact]
    public void AMemberIsAddedWhileAnotherIsDown()
    {
        var run = new Scenario(1);
        Machine leader = run.Leader();
        Machine down = run.Up.First(m => m != leader);
        down.HoldDown();
        Machine learner = run.Cluster.Add(isFirst: false);
        Task<ApplyOutcome> added = run.Change(leader, ConfChangeCommand.Add(SimCluster.MemberOf(learner.Id, isLearner: true)));
        run.RunUntil("the learner is added", () => added.IsCompletedSuccessfully);
        run.RunUntil("the learner has caught up", () => learner.Life?.Applied >= 4);
        Task<ApplyOutcome> promoted = run.Change(leader, ConfChangeCommand.Promote(SimCluster.MemberOf(learner.Id, isLearner: true)));
        run.RunUntil("the learner is promoted", () => promoted.IsCompletedSuccessfully);
        Machine voter = run.Cluster.Add(isFirst: false);
        Task<ApplyOutcome> second = run.Change(leader, ConfChangeCommand.Add(SimCluster.MemberOf(voter.Id, isLearner: false)));
        run.RunUntil("a voter is added", () => second.IsCompletedSuccessfully);
        run.PutAndWait(leader);
        down.Release();
        run.Converge();
    }

    /// <summary>etcd #19557, zombie members: who was removed while it could not hear of it disturbs nobody, and does not count.</summary>
    [Fact]
    public void ARemovedMemberThatDoesNotKnowDisturbsNobody()
    {
        var run = new Scenario(1);
        Machine leader = run.Leader();
        Machine zombie = run.Up.First(m => m != leader);
        run.Isolate(zombie);
        Task<ApplyOutcome> removed = run.Change(leader, ConfChangeCommand.Remove(zombie.Id));
        run.RunUntil("it is removed", () => removed.IsCompletedSuccessfully);
        run.PutAndWait(leader);
        Term term = leader.Life!.Raft.Term;
        run.Run(10_000);
        run.Cluster.Network.Heal();
        run.Run(10_000);
        Assert.Equal(term, leader.Life!.Raft.Term);
        Assert.Equal(RaftRole.Leader, leader.Life!.Raft.Role);
        Assert.DoesNotContain(zombie.Id, leader.Life!.Members.Current.Members.Select(static m => m.Id));
        run.PutAndWait(leader);

        // Its id does not come back.
        Task<ApplyOutcome> again = run.Change(leader, ConfChangeCommand.Add(SimCluster.MemberOf(zombie.Id, isLearner: false)));
        run.RunUntil("it is refused", () => again.IsFaulted);
    }

    /// <summary>A member that the two others elect while its own disk stands still leads only when its term is on that disk.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void ACandidateWithAStalledDiskDoesNotLead(ulong seed)
    {
        var run = new Scenario(seed);
        Machine leader = run.Leader();
        run.PutAndWait(leader);
        foreach (Machine machine in run.Up.Where(m => m != leader))
        {
            machine.SlowDisk(20 * TimeSpan.TicksPerSecond);
        }

        leader.HoldDown();
        for (int i = 0; i < 200; i++)
        {
            run.Run(50);
            Machine? leads = run.Up.FirstOrDefault(static m => m.Life!.Raft.Role == RaftRole.Leader);
            if (leads is not null)
            {
                Assert.True(run.Cluster.Consensus.Disk(leads.Id).DurableState.Term >= leads.Life!.Raft.Term);
                leads.PowerFailure();
            }
        }

        leader.Release();
        run.PutAndWait(run.Leader());
    }

    /// <summary>Of two members one is removed, and the other loses power at once: it knows that it is alone.</summary>
    [Fact]
    public void TheLastMemberRemembersThatItIsAlone()
    {
        var run = new Scenario(1, new SwarmOptions { Members = 2 });
        Machine leader = run.Leader();
        run.PutAndWait(leader);
        Machine other = run.Up.First(m => m != leader);
        Task<ApplyOutcome> removed = run.Change(leader, ConfChangeCommand.Remove(other.Id));
        run.RunUntil("it is removed", () => removed.IsCompletedSuccessfully);
        run.RunUntil("the removed one is switched off", () => other.IsGone);
        leader.PowerFailure();
        run.RunUntil("it is back", () => leader.IsUp);
        run.PutAndWait(run.Leader());
        run.Converge();
    }
}
