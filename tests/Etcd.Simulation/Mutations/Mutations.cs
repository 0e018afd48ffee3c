using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Simulation.Members;

namespace Etcd.Simulation.Mutations;

/// <summary>The mistakes that the simulator must find, by the name that the command line knows.</summary>
internal static class AllMutations
{
    public static IReadOnlyDictionary<string, Func<Mutation>> ByName { get; } = new SortedDictionary<string, Func<Mutation>>(StringComparer.Ordinal)
    {
        ["answer-before-sync"] = static () => new AnswerBeforeSync(),
        ["vote-twice"] = static () => new VoteTwice(),
        ["commit-old-term"] = static () => new CommitOldTerm(),
        ["count-own-append-early"] = static () => new CountOwnAppendEarly(),
        ["read-unconfirmed"] = static () => new ReadUnconfirmed(),
    };
}

/// <summary>
/// The log says that it is synced, and is not: the sync is made with the next write. The observer stands outside of it, and is
/// lied to as the member is, so that what is found is what the lie leads to: after a crash the log lacks what counted on it.
/// </summary>
internal sealed class AnswerBeforeSync : Mutation
{
    public override ILogStore Wrap(Machine machine, ILogStore log) => new Log(log);

    private sealed class Log(ILogStore inner) : ILogStore
    {
        private bool _owed;

        public void Append(HardState? hardState, ReadOnlySpan<Entry> entries)
        {
            if (_owed)
            {
                _owed = false;
                inner.Sync();
            }

            inner.Append(hardState, entries);
        }

        public void SaveSnapshot(Snapshot snapshot) => inner.SaveSnapshot(snapshot);

        public void Sync() => _owed = true;

        public bool PrepareAhead() => inner.PrepareAhead();
    }
}

/// <summary>A member votes for whoever asks, whether it has voted in the term or not.</summary>
internal sealed class VoteTwice : Mutation
{
    public override IRaft Wrap(Machine machine, RaftNode raft) => new Raft(raft);

    private sealed class Raft(RaftNode inner) : WrappedRaft(inner)
    {
        public override void Ready(Ready into)
        {
            Inner.Ready(into);
            for (int i = 0; i < into.MessagesAfterAppend.Count; i++)
            {
                Message message = into.MessagesAfterAppend[i];
                if (message.Type == MessageType.VoteResp && message.Reject)
                {
                    into.MessagesAfterAppend[i] = message with { Reject = false };
                }
            }
        }
    }
}

/// <summary>
/// A leader commits what a majority has, of whatever term it is (the mistake of figure 8 of the raft paper): it counts the
/// answers itself, takes the entries for committed before the core does, and tells the others so.
/// </summary>
internal sealed class CommitOldTerm : Mutation
{
    public override IRaft Wrap(Machine machine, RaftNode raft) => new Raft(raft);

    private sealed class Raft(RaftNode inner) : WrappedRaft(inner)
    {
        private readonly SortedDictionary<ulong, Entry> _log = [];
        private readonly List<MemberProgress> _progress = [];
        private ulong _given;
        private ulong _early;
        private ulong _durable;

        public override LogIndex Committed => new(Math.Max(Inner.Committed.Value, _early));

        public override bool HasReady => Inner.HasReady || MajorityHas() > Math.Max(_early, _given);

        public override void Ready(Ready into)
        {
            Inner.Ready(into);
            foreach (Entry entry in into.Entries)
            {
                foreach (ulong replaced in _log.Keys.Where(index => index >= entry.Index.Value).ToArray())
                {
                    _log.Remove(replaced);
                }

                _log[entry.Index.Value] = entry;
            }

            foreach (Entry entry in into.CommittedEntries)
            {
                _log.TryAdd(entry.Index.Value, entry);
            }

            // What was given early is not given twice.
            into.CommittedEntries.RemoveAll(entry => entry.Index.Value <= _given);
            if (into.CommittedEntries.Count > 0)
            {
                _given = into.CommittedEntries[^1].Index.Value;
            }

            if (into.Snapshot is { } snapshot)
            {
                _given = Math.Max(_given, snapshot.Index.Value);
            }

            GiveEarly(into);
            if (_early > Inner.Committed.Value)
            {
                Tell(into.Messages);
            }
        }

        public override void OnAppended(LogIndex index, Term term)
        {
            _durable = index.Value;
            Inner.OnAppended(index, term);
        }

        public override void OnApplied(LogIndex index)
        {
            // The core is told no more than it knows itself.
            Inner.OnApplied(index > Inner.Committed ? Inner.Committed : index);
        }

        private void GiveEarly(Ready into)
        {
            ulong majority = MajorityHas();
            _early = Math.Max(_early, majority);
            while (_given < majority && _given > 0 && _log.TryGetValue(_given + 1, out Entry entry))
            {
                into.CommittedEntries.Add(entry);
                _given++;
            }
        }

        private void Tell(List<Message> messages)
        {
            for (int i = 0; i < messages.Count; i++)
            {
                Message message = messages[i];
                if (message.Type == MessageType.App)
                {
                    ulong last = message.Index.Value + (ulong)message.Entries.Length;
                    ulong commit = Math.Min(_early, last);
                    if (commit > message.Commit.Value)
                    {
                        messages[i] = message with { Commit = new LogIndex(commit) };
                    }
                }
            }
        }

        private ulong MajorityHas()
        {
            if (Inner.Role != RaftRole.Leader)
            {
                return 0;
            }

            Inner.CopyProgress(_progress);
            ulong[] matches = [.. _progress.Where(static p => !p.IsLearner).Select(static p => p.Match.Value).OrderDescending()];
            return matches.Length == 0 ? 0 : Math.Min(_durable, matches[matches.Length / 2]);
        }
    }
}

/// <summary>A leader counts its own entries as durable when they are on their way to its disk.</summary>
internal sealed class CountOwnAppendEarly : Mutation
{
    public override IRaft Wrap(Machine machine, RaftNode raft) => new Raft(raft);

    private sealed class Raft(RaftNode inner) : WrappedRaft(inner)
    {
        public override void Ready(Ready into)
        {
            Inner.Ready(into);
            if (Inner.Role == RaftRole.Leader && into.Entries.Count > 0)
            {
                Inner.OnAppended(into.Entries[^1].Index, into.Entries[^1].Term);
            }
        }
    }
}

/// <summary>A leader answers a read's question with its commit index, without asking whether it still leads.</summary>
internal sealed class ReadUnconfirmed : Mutation
{
    public override IRaft Wrap(Machine machine, RaftNode raft) => new Raft(raft);

    private sealed class Raft(RaftNode inner) : WrappedRaft(inner)
    {
        private readonly List<ReadState> _reads = [];

        public override bool HasReady => _reads.Count > 0 || Inner.HasReady;

        public override StepResult Step(in Message message)
        {
            if (message.Type == MessageType.ReadIndex && Inner.Role == RaftRole.Leader && (message.From == Id || message.From.IsNone))
            {
                _reads.Add(new ReadState(Inner.Committed, message.Context));
                return StepResult.Accepted;
            }

            return Inner.Step(message);
        }

        public override void Ready(Ready into)
        {
            Inner.Ready(into);
            into.ReadStates.AddRange(_reads);
            _reads.Clear();
        }
    }
}
