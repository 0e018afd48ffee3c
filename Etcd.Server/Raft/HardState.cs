using Etcd.Server.Primitives;

namespace Etcd.Server.Raft;

/// <summary>
/// What a member must have on stable storage before it answers (raftpb.HardState; raft thesis figure 3.1, "persistent
/// state"). <see cref="Commit"/> may lag without harm; term and vote may not.
/// </summary>
/// <param name="Term">The latest term that this member has seen.</param>
/// <param name="Vote">Whom it voted for in that term; none if nobody.</param>
/// <param name="Commit">The highest index known to be committed.</param>
public readonly record struct HardState(Term Term, MemberId Vote, LogIndex Commit)
{
    /// <summary>Whether nothing was ever saved.</summary>
    public bool IsEmpty => this == default;
}
