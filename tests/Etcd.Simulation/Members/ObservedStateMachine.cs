using Etcd.Server.Apply;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Simulation.Checkers;
using Etcd.Simulation.Engine;

namespace Etcd.Simulation.Members;

/// <summary>The observer's place between a member and its state: it sees what is applied, and what came of it.</summary>
internal sealed class ObservedStateMachine(
    MemberId member, IStateMachine inner, ConsensusChecker consensus, HistoryChecker history, Trace trace, Action<Entry, ConfChange> changed) : IStateMachine
{
    private ulong _last;

    public bool NeedsMaintenance => inner.NeedsMaintenance;

    public ApplyOutcome? Apply(in Entry entry, out ulong requestId)
    {
        See(entry);
        ApplyOutcome? outcome = inner.Apply(entry, out requestId);
        history.OnOutcome(member, entry.Index.Value, outcome);
        return outcome;
    }

    public ApplyOutcome ApplyConfChange(in Entry entry, out ulong requestId, out ConfChange change)
    {
        See(entry);
        ApplyOutcome outcome = inner.ApplyConfChange(entry, out requestId, out change);
        history.OnOutcome(member, entry.Index.Value, outcome);
        changed(entry, change);
        return outcome;
    }

    public void Publish(LogIndex applied) => inner.Publish(applied);

    public void Abandon() => inner.Abandon();

    public TimeSpan Maintain() => inner.Maintain();

    /// <summary>The state at an index was installed: the next entry is the one behind it.</summary>
    public void OnInstalled(LogIndex index)
    {
        if (index.Value <= _last)
        {
            throw new SimulationFailure("apply order", $"{member} installs the state at {index.Value} after it has applied {_last}");
        }

        _last = index.Value;
    }

    private void See(in Entry entry)
    {
        if (entry.Index.Value != _last + 1)
        {
            throw new SimulationFailure("apply order", $"{member} applies entry {entry.Index.Value} after entry {_last}");
        }

        _last = entry.Index.Value;
        trace.Mix(20, member.Value, entry.Index.Value, entry.Term.Value);
        if (consensus.OnApply(member, entry))
        {
            history.OnFirstApply(entry);
        }
    }
}
