using Etcd.Server.Primitives;

namespace Etcd.Server.Raft;

/// <summary>The configuration that is in force at an index (raftpb.ConfState, without joint consensus, which etcd does not use).</summary>
/// <param name="Voters">The members that vote.</param>
/// <param name="Learners">The members that only receive.</param>
public sealed record ConfState(IReadOnlyList<MemberId> Voters, IReadOnlyList<MemberId> Learners)
{
    /// <summary>The state before the first configuration change: nobody.</summary>
    public static ConfState Empty { get; } = new([], []);
}
