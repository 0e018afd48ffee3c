using Etcd.Server.Apply;
using Etcd.Server.Primitives;
using Etcd.Simulation.Engine;
using Etcd.Simulation.Members;

namespace Etcd.Simulation.Clients;

/// <summary>Whoever runs the cluster: adds, promotes and removes members, and hands the leadership over, at odd times.</summary>
internal sealed class SimOperator(SimCluster cluster, SimRandom random)
{
    private const int MembersMax = 7;

    /// <summary>A proposal that is older is either in the log or never will be.</summary>
    private const long ForgottenAfter = 12 * Scheduler.Second;

    private long _removedAt = -ForgottenAfter;

    public void Start()
    {
        Every(cluster.Options.MembershipRate, ChangeMembership);
        Every(cluster.Options.TransferRate, Transfer);
    }

    private void Every(double rate, Action action)
    {
        if (rate <= 0)
        {
            return;
        }

        cluster.Scheduler.After((long)(-Math.Log(1 - random.NextDouble()) / rate * Scheduler.Second), () =>
        {
            if (!cluster.IsHealing)
            {
                action();
                Every(rate, action);
            }
        });
    }

    private void ChangeMembership()
    {
        Machine[] up = [.. cluster.Machines.Where(static m => m.Life is not null)];
        if (up.Length == 0 || random.Pick(up).Life is not { } life)
        {
            return;
        }

        ConfChangeCommand? change = Draw();
        if (change is null)
        {
            return;
        }

        if (cluster.Trace.IsOn)
        {
            cluster.Trace.Say("op", $"asks {life.Machine.Name}: {change.Kind} {change.Id}{(change.IsPromotion ? " (promotion)" : "")}");
        }

        life.Machine.Do(life, () => _ = life.Node.ProposeConfChangeAsync(change));
    }

    private ConfChangeCommand? Draw()
    {
        int count = cluster.Membership.Voters.Count + cluster.Membership.Learners.Count;
        int kind = random.Next(10);
        if (cluster.Membership.Learners.Count > 0 && kind < 4)
        {
            return ConfChangeCommand.Promote(SimCluster.MemberOf(new MemberId(cluster.Membership.Learners.First()), isLearner: true));
        }

        if (kind < 7 && count < MembersMax)
        {
            return ConfChangeCommand.Add(SimCluster.MemberOf(Joining().Id, isLearner: random.Chance(0.6)));
        }

        // Two removals that are under way at once must not take the last voter: to ask for that is the operator's mistake.
        bool mayTakeVoter = cluster.Membership.Voters.Count > 2
            || (cluster.Membership.Voters.Count == 2 && cluster.Scheduler.Now - _removedAt > ForgottenAfter);
        ulong[] members = mayTakeVoter ? [.. cluster.Membership.Voters, .. cluster.Membership.Learners] : [.. cluster.Membership.Learners];
        if (members.Length == 0)
        {
            return null;
        }

        _removedAt = cluster.Scheduler.Now;
        return ConfChangeCommand.Remove(new MemberId(random.Pick(members)));
    }

    /// <summary>A machine that waits to be added, or a new one.</summary>
    private Machine Joining() =>
        cluster.Machines.FirstOrDefault(m => !m.HasBegun && !m.IsFirst && !cluster.Membership.IsMember(m.Id) && !cluster.Membership.WasRemoved(m.Id)) ?? cluster.Add(isFirst: false);

    private void Transfer()
    {
        Machine[] up = [.. cluster.Machines.Where(static m => m.Life is not null)];
        if (up.Length == 0 || cluster.Membership.Voters.Count == 0)
        {
            return;
        }

        Life life = random.Pick(up).Life!;
        var target = new MemberId(random.Pick([.. cluster.Membership.Voters]));
        if (cluster.Trace.IsOn)
        {
            cluster.Trace.Say("op", $"asks {life.Machine.Name} to hand the leadership to {target}");
        }

        life.Machine.Do(life, () => _ = life.Node.TransferLeadershipAsync(target, TimeSpan.FromSeconds(2)));
    }
}
