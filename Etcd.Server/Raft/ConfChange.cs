using Etcd.Server.Primitives;

namespace Etcd.Server.Raft;

/// <summary>What a configuration change does, with raftpb.ConfChangeType's numbers.</summary>
public enum ConfChangeKind
{
    /// <summary>Adds a voter, or makes a learner one.</summary>
    AddVoter = 0,

    /// <summary>Takes a member out.</summary>
    Remove = 1,

    /// <summary>Changes what is known of a member; nothing about who votes.</summary>
    Update = 2,

    /// <summary>Adds a member that only receives (raft thesis 4.2.1).</summary>
    AddLearner = 3,
}

/// <summary>
/// One change of the configuration, as the state machine hands it to <see cref="IRaft.ApplyConfChange"/> when its entry is
/// applied. One member at a time: any majority of the old and of the new configuration then have a member in common
/// (raft thesis 4.1).
/// </summary>
/// <param name="Kind">What to do.</param>
/// <param name="Member">Whom it is about; nobody where the state machine refused the change, which then changes nothing.</param>
public readonly record struct ConfChange(ConfChangeKind Kind, MemberId Member);
