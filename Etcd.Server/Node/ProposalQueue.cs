using System.Collections.Concurrent;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Node;

/// <summary>
/// Requests on their way into the log. Any thread adds; the owner of raft takes them in batches. What raft does not take (no
/// leader, a transfer) stays for the next try; what was given up meanwhile is left out, because its client may have asked again.
/// </summary>
internal sealed class ProposalQueue
{
    private readonly ConcurrentQueue<Proposal> _inbox = new();
    private readonly ConcurrentQueue<Proposal> _changes = new();
    private readonly List<Proposal> _batch = [];
    private Entry[] _entries = new Entry[256];
    private Proposal? _changeUnderWay;
    private Term _changeTerm;
    private int _waiting;
    private long _waitingBytes;

    /// <summary>Whether a request waits that came since the last batch was taken.</summary>
    public bool HasArrived => !_inbox.IsEmpty;

    /// <summary>Whether no more may be added.</summary>
    public bool IsFull =>
        Volatile.Read(ref _waiting) >= Limits.ProposalQueueMax || Volatile.Read(ref _waitingBytes) >= Limits.ProposalQueueBytesMax;

    /// <summary>Whether no more changes of the membership may be added.</summary>
    public bool HasManyChanges => _changes.Count >= Limits.MemberChangesWaitingMax;

    /// <summary>Adds a request.</summary>
    public void Add(Proposal proposal)
    {
        if (proposal.Type == EntryType.ConfChange)
        {
            _changes.Enqueue(proposal);
            return;
        }

        Interlocked.Increment(ref _waiting);
        Interlocked.Add(ref _waitingBytes, proposal.Data.Length);
        _inbox.Enqueue(proposal);
    }

    /// <summary>Proposes what waits, up to one batch.</summary>
    /// <param name="raft">Raft.</param>
    /// <param name="refused">Receives those that only another term's leader could have proposed.</param>
    /// <returns>Whether raft took anything.</returns>
    public bool Propose(IRaft raft, List<Proposal> refused)
    {
        if (raft.Leader.IsNone || !raft.TransferTarget.IsNone)
        {
            return false;
        }

        TakeBatch(raft, refused);
        if (_batch.Count == 0)
        {
            return false;
        }

        bool taken = Step(raft, _batch);
        if (taken)
        {
            _batch.Clear();
        }

        return taken;
    }

    /// <summary>
    /// Proposes a change of the membership. One at a time: raft makes nothing of a second one (raft thesis 4.1), and its proposer
    /// would wait for ever. To be called when what earlier leaders have left is applied: then a change that an earlier leader was
    /// asked for and that has no outcome is not in the log, and holds none up.
    /// </summary>
    /// <param name="raft">Raft.</param>
    /// <returns>Whether raft took one.</returns>
    public bool ProposeChange(IRaft raft)
    {
        // One that is settled may not be known to raft yet; and a leader may have been asked for one by another member.
        bool isUnderWay = (_changeUnderWay is { IsSettled: false } && _changeTerm == raft.Term)
            || (raft.Role == RaftRole.Leader && !raft.TakesChanges);
        if (raft.Leader.IsNone || !raft.TransferTarget.IsNone || isUnderWay)
        {
            return false;
        }

        _changeUnderWay = null;
        while (_changes.TryPeek(out Proposal? next))
        {
            if (!next.IsSettled)
            {
                if (!Step(raft, [next]))
                {
                    return false;
                }

                _changeUnderWay = next;
                _changeTerm = raft.Term;
            }

            _changes.TryDequeue(out _);
            if (_changeUnderWay is not null)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Lets those go that were given up while there was no leader to take them.</summary>
    public void DropSettled()
    {
        while (_inbox.TryPeek(out Proposal? first) && first.IsSettled)
        {
            _inbox.TryDequeue(out _);
            Leave(first);
        }

        while (_changes.TryPeek(out Proposal? change) && change.IsSettled)
        {
            _changes.TryDequeue(out _);
        }
    }

    private void TakeBatch(IRaft raft, List<Proposal> refused)
    {
        _batch.RemoveAll(static proposal => proposal.IsSettled);
        long bytes = 0;
        foreach (Proposal proposal in _batch)
        {
            bytes += proposal.Data.Length;
        }

        while (_batch.Count < Limits.ProposalBatchMax && bytes < Limits.ProposalBatchBytesMax && _inbox.TryDequeue(out Proposal? next))
        {
            Leave(next);
            if (!next.IsSettled)
            {
                _batch.Add(next);
                bytes += next.Data.Length;
            }
        }

        for (int i = _batch.Count - 1; i >= 0; i--)
        {
            Proposal proposal = _batch[i];
            if (proposal.OnlyIn != default && (raft.Role != RaftRole.Leader || raft.Term != proposal.OnlyIn))
            {
                refused.Add(proposal);
                _batch.RemoveAt(i);
            }
        }
    }

    private bool Step(IRaft raft, List<Proposal> proposals)
    {
        if (_entries.Length < proposals.Count)
        {
            _entries = new Entry[proposals.Count * 2];
        }

        for (int i = 0; i < proposals.Count; i++)
        {
            _entries[i] = new Entry(default, default, proposals[i].Type, proposals[i].Data);
        }

        StepResult result = raft.Step(new Message
        {
            Type = MessageType.Prop,
            From = raft.Id,
            Entries = _entries.AsMemory(0, proposals.Count),
        });
        _entries.AsSpan(0, proposals.Count).Clear();
        return result == StepResult.Accepted;
    }

    private void Leave(Proposal proposal)
    {
        Interlocked.Decrement(ref _waiting);
        Interlocked.Add(ref _waitingBytes, -proposal.Data.Length);
    }
}
