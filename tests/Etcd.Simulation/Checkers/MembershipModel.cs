using Etcd.Protocol.Raftpb;
using Etcd.Server.Primitives;
using ConfChange = Etcd.Server.Raft.ConfChange;
using Entry = Etcd.Server.Raft.Entry;
using WireChange = Etcd.Protocol.Raftpb.ConfChange;

namespace Etcd.Simulation.Checkers;

/// <summary>Who belongs to the cluster, by the changes in the log, and which of them must be refused.</summary>
internal sealed class MembershipModel
{
    private readonly SortedSet<ulong> _voters = [];
    private readonly SortedSet<ulong> _learners = [];
    private readonly Dictionary<ulong, ulong> _removed = [];
    private readonly Dictionary<ulong, bool> _refused = [];
    private readonly List<(ulong Index, ulong[] Voters, ulong[] Learners)> _history = [];

    /// <summary>The voters as of the last change that anyone has applied.</summary>
    public IReadOnlyCollection<ulong> Voters => _voters;

    /// <summary>The learners as of the last change that anyone has applied.</summary>
    public IReadOnlyCollection<ulong> Learners => _learners;

    /// <summary>Changes that were applied and not refused, those of the beginning among them.</summary>
    public int Changes => _history.Count;

    public bool IsMember(MemberId id) => _voters.Contains(id.Value) || _learners.Contains(id.Value);

    public bool WasRemoved(MemberId id) => _removed.ContainsKey(id.Value);

    /// <summary>The index of a removal.</summary>
    public ulong RemovedAt(MemberId id) => _removed[id.Value];

    /// <summary>The members at an index.</summary>
    public (IReadOnlyList<ulong> Voters, IReadOnlyList<ulong> Learners) At(ulong index)
    {
        for (int i = _history.Count - 1; i >= 0; i--)
        {
            if (_history[i].Index <= index)
            {
                return (_history[i].Voters, _history[i].Learners);
            }
        }

        return ([], []);
    }

    /// <summary>A member has applied a change.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="made">What the member made of it.</param>
    /// <returns>Whether the membership is another one now: it is the first to apply it, and it was not refused.</returns>
    public bool Apply(in Entry entry, ConfChange made)
    {
        bool isFirst = !_refused.TryGetValue(entry.Index.Value, out bool refused);
        if (isFirst)
        {
            refused = !Change(entry.Index.Value, WireChange.Parser.ParseFrom(entry.Data.Span));
            _refused.Add(entry.Index.Value, refused);
            if (!refused)
            {
                _history.Add((entry.Index.Value, [.. _voters], [.. _learners]));
            }
        }

        if (made.Member.IsNone != refused)
        {
            throw new SimulationFailure("membership", $"the change at {entry.Index.Value} was {(refused ? "taken" : "refused")} and should not have been");
        }

        return isFirst && !refused;
    }

    private bool Change(ulong index, WireChange change)
    {
        ulong id = change.NodeId;
        bool isVoter = _voters.Contains(id);
        bool isLearner = _learners.Contains(id);
        if (_removed.ContainsKey(id))
        {
            return false;
        }

        bool promotes = change.Context.ToStringUtf8().Contains("\"isPromote\":true", StringComparison.Ordinal);
        switch (change.Type)
        {
            case ConfChangeType.ConfChangeAddNode when promotes:
                return isLearner && _learners.Remove(id) && _voters.Add(id);
            case ConfChangeType.ConfChangeAddNode:
                return !isVoter && !isLearner && _voters.Add(id);
            case ConfChangeType.ConfChangeAddLearnerNode:
                // Not more than one learner, unless a flag says so.
                return !isVoter && !isLearner && _learners.Count < Limits.LearnersMax && _learners.Add(id);
            case ConfChangeType.ConfChangeRemoveNode:
                return (_learners.Remove(id) || _voters.Remove(id)) && _removed.TryAdd(id, index);
            default:
                return isVoter || isLearner;
        }
    }
}
