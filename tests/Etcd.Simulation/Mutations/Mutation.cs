using Etcd.Server.Node;
using Etcd.Server.Raft;
using Etcd.Simulation.Members;

namespace Etcd.Simulation.Mutations;

/// <summary>
/// A member that is wrong in one way, made from a right one by what is put around its parts. The checkers must find it; this
/// one changes nothing.
/// </summary>
internal class Mutation
{
    /// <summary>No mutation.</summary>
    public static Mutation None { get; } = new();

    /// <summary>What is put around the core.</summary>
    public virtual IRaft Wrap(Machine machine, RaftNode raft) => raft;

    /// <summary>What is put around the log.</summary>
    public virtual ILogStore Wrap(Machine machine, ILogStore log) => log;
}
