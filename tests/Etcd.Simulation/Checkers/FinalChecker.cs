using System.Text;
using Etcd.Server.Storage;
using Etcd.Simulation.Members;

namespace Etcd.Simulation.Checkers;

/// <summary>When all members have applied the same: each holds exactly what the model holds, and all hash alike.</summary>
internal static class FinalChecker
{
    public static void Check(SimCluster cluster)
    {
        KvModel model = cluster.History.Model;
        HistoryHash? first = null;
        foreach (Machine machine in cluster.Machines)
        {
            if (!cluster.Membership.IsMember(machine.Id) || machine.Life is not { } life)
            {
                continue;
            }

            CheckMembers(cluster, machine, life);
            CheckKeys(machine, life.Store, model);
            if (!life.Leases.List().Select(static lease => lease.Value).Order().SequenceEqual(model.Leases))
            {
                throw new SimulationFailure("final state", $"{machine.Name} has other leases than it should");
            }

            life.Store.HashKv(0, out HistoryHash hash, out _);
            first ??= hash;
            if (first.Value.Hash != hash.Hash && first.Value.CompactRevision == hash.CompactRevision)
            {
                throw new SimulationFailure("final state", $"{machine.Name} hashes to {hash}, another member to {first}");
            }
        }
    }

    private static void CheckMembers(SimCluster cluster, Machine machine, Life life)
    {
        if (!life.Raft.Configuration.Voters.Select(static v => v.Value).Order().SequenceEqual(cluster.Membership.Voters)
            || !life.Raft.Configuration.Learners.Select(static v => v.Value).Order().SequenceEqual(cluster.Membership.Learners)
            || !life.Members.Current.Members.Select(static m => m.Id).SequenceEqual(
                cluster.Membership.Voters.Concat(cluster.Membership.Learners).Order().Select(static id => new Etcd.Server.Primitives.MemberId(id))))
        {
            throw new SimulationFailure("final state", $"{machine.Name} knows other members than there are");
        }
    }

    private static void CheckKeys(Machine machine, MvccStore store, KvModel model)
    {
        long count = 0;
        foreach ((string key, ModelVersion expected) in model.Live)
        {
            count++;
            if (!store.TryGet(Encoding.UTF8.GetBytes(key), out ReadOnlyMemory<byte> record, out _))
            {
                throw new SimulationFailure("final state", $"{machine.Name} has lost {key} = {expected.Value}");
            }

            KeyValueFields found = KeyValueFields.Parse(record.Span);
            if ((found.ModRevision, found.CreateRevision, found.Version, found.Lease.Value) != (expected.Modified, expected.Created, expected.Version, expected.Lease)
                || Encoding.UTF8.GetString(found.Value) != expected.Value)
            {
                throw new SimulationFailure("final state", $"{machine.Name} holds {key} at {found.ModRevision}, not {expected}");
            }
        }

        var result = new RangeResult();
        store.Range(new RangeQuery { Key = new byte[1], RangeEnd = new byte[1], CountOnly = true }, result);
        if (result.Count != count)
        {
            throw new SimulationFailure("final state", $"{machine.Name} holds {result.Count} keys, not {count}");
        }
    }
}
