using Etcd.Server.Apply;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Simulation.Checkers;
using Etcd.Simulation.Engine;

namespace Etcd.Simulation.Members;

/// <summary>The observer's place between a member and its state: it sees what is applied, and what came of it.</summary>
internal sealed class ObservedStateMachine(
    MemberId member, IStateMachine inner, ConsensusChecker consensus, HistoryChecker history, Trace trace, Action<Entry> applied) : IStateMachine
{
    public bool NeedsMaintenance => inner.NeedsMaintenance;

    public ApplyOutcome? Apply(in Entry entry, out ulong requestId)
    {
        if (consensus.OnApply(member, entry))
        {
            history.OnFirstApply(entry);
        }

        trace.Mix(20, member.Value, entry.Index.Value, entry.Term.Value);
        ApplyOutcome? outcome = inner.Apply(entry, out requestId);
        history.OnOutcome(member, entry.Index.Value, outcome);
        applied(entry);
        return outcome;
    }

    public void Publish(LogIndex applied) => inner.Publish(applied);

    public TimeSpan Maintain() => inner.Maintain();
}
