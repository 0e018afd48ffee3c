using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Node;

/// <content>What the owner lets others see. Any thread.</content>
public sealed partial class MemberNode
{
    private long _term;
    private long _leader;
    private long _committed;
    private long _leadsIn;
    private bool _readsAreLocal;

    /// <summary>The current term.</summary>
    public Term Term => new((ulong)Volatile.Read(ref _term));

    /// <summary>The leader, if known.</summary>
    public MemberId Leader => new((ulong)Volatile.Read(ref _leader));

    /// <summary>The term that this member leads; zero if it does not.</summary>
    public Term LeadsIn => new((ulong)Volatile.Read(ref _leadsIn));

    /// <summary>The highest committed index.</summary>
    public LogIndex Committed => new((ulong)Volatile.Read(ref _committed));

    /// <summary>The highest applied and visible index.</summary>
    public LogIndex Applied => _apply.Applied;

    private void PublishStatus()
    {
        Volatile.Write(ref _term, (long)_raft.Term.Value);
        Volatile.Write(ref _leader, (long)_raft.Leader.Value);
        Volatile.Write(ref _leadsIn, (long)(_raft.Role == RaftRole.Leader ? _raft.Term.Value : 0));
        Volatile.Write(ref _committed, (long)_raft.Committed.Value);
        Volatile.Write(ref _readsAreLocal, _raft.LocalReadIndex is not null);
    }
}
