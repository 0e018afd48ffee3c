using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Simulation.Mutations;

/// <summary>A core with another one around it that passes everything on; mutations override what they falsify.</summary>
internal abstract class WrappedRaft(RaftNode inner) : IRaft
{
    public MemberId Id => inner.Id;

    public Term Term => inner.Term;

    public MemberId Leader => inner.Leader;

    public RaftRole Role => inner.Role;

    public virtual LogIndex Committed => inner.Committed;

    public LogIndex Applied => inner.Applied;

    public LogIndex LastIndex => inner.LastIndex;

    public LogIndex? LocalReadIndex => inner.LocalReadIndex;

    public ConfState Configuration => inner.Configuration;

    public LogIndex ForgottenIndex => inner.ForgottenIndex;

    public MemberId TransferTarget => inner.TransferTarget;

    public bool TakesChanges => inner.TakesChanges;

    public virtual bool HasReady => inner.HasReady;

    protected RaftNode Inner => inner;

    public void CopyProgress(List<MemberProgress> into) => inner.CopyProgress(into);

    public virtual StepResult Step(in Message message) => inner.Step(message);

    public void Tick() => inner.Tick();

    public virtual void Ready(Ready into) => inner.Ready(into);

    public ConfState ApplyConfChange(ConfChange change) => inner.ApplyConfChange(change);

    public virtual void OnAppended(LogIndex index, Term term) => inner.OnAppended(index, term);

    public virtual void OnApplied(LogIndex index) => inner.OnApplied(index);
}
