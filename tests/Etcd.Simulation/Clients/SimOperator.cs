using Etcd.Server.Apply;
using Etcd.Server.Primitives;
using Etcd.Simulation.Engine;
using Etcd.Simulation.Members;

namespace Etcd.Simulation.Clients;

/// <summary>Whoever runs the cluster: adds, promotes and removes members, and hands the leadership over, at odd times.</summary>
internal sealed class SimOperator(SimCluster cluster, SimRandom random)
{
    private const int MembersMax = 7;

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

        ulong[] members = [.. cluster.Membership.Voters, .. cluster.Membership.Learners];
        return members.Length > 1 ? ConfChangeCommand.Remove(new MemberId(random.Pick(members))) : null;
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
