using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Etcd.Protocol.Errors;
using Etcd.Server.Apply;
using Etcd.Server.Node;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Google.Protobuf;

namespace Etcd.Simulation.Members;

/// <summary>The least that a core needs around it: an owner, a log step and an apply step.</summary>
internal sealed class SmallOwner(IRaft raft, ILogStore log, IStateMachine machine, Action<Message> send, RequestIds ids) : IPeerInbox
{
    private readonly Queue<Action> _inbox = new();
    private readonly Queue<Ready> _log = new();
    private readonly Queue<Entry> _apply = new();
    private readonly Dictionary<ulong, TaskCompletionSource<ApplyOutcome>> _waiting = [];
    private readonly Dictionary<ulong, TaskCompletionSource> _reads = [];
    private readonly List<(ulong Index, TaskCompletionSource Read)> _confirmed = [];
    private ulong _nextRead;
    private ulong _applied = raft.Applied.Value;

    public Action OwnerWork { get; set; } = static () => { };

    public Action LogWork { get; set; } = static () => { };

    public Action ApplyWork { get; set; } = static () => { };

    public ulong Applied => _applied;

    public Task<ApplyOutcome> Propose(RaftCommand command)
    {
        command.Seal(ids.Next());
        var answer = new TaskCompletionSource<ApplyOutcome>();
        _waiting.Add(command.Id, answer);
        Post(() =>
        {
            var message = new Message
            {
                Type = MessageType.Prop, From = raft.Id, To = raft.Id,
                Entries = new[] { new Entry(default, default, EntryType.Normal, command.Data) },
            };
            if (raft.Step(message) != StepResult.Accepted && _waiting.Remove(command.Id))
            {
                answer.TrySetException(EtcdErrors.NoLeader.ToException());
            }
        });
        return answer.Task;
    }

    public Task Linearize()
    {
        var answer = new TaskCompletionSource();
        ulong id = (raft.Id.Value << 40) + ++_nextRead;
        byte[] context = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(context, id);
        BinaryPrimitives.WriteUInt64LittleEndian(context.AsSpan(8), ids.Next());
        _reads.Add(id, answer);
        Post(() =>
        {
            var message = new Message
            {
                Type = MessageType.ReadIndex, From = raft.Id, To = raft.Id,
                Entries = new[] { new Entry(default, default, EntryType.Normal, context) },
                Context = context,
            };
            if (raft.Step(message) != StepResult.Accepted)
            {
                answer.TrySetException(EtcdErrors.NoLeader.ToException());
            }
        });
        return answer.Task;
    }

    public void Tick() => Post(raft.Tick);

    public void Deliver(in Message message)
    {
        Message taken = message;
        Post(() => raft.Step(taken));
    }

    public void DeliverSnapshot(in Message message, string file)
    {
    }

    public void ReportUnreachable(MemberId member) =>
        Post(() => raft.Step(new Message { Type = MessageType.Unreachable, From = member, To = raft.Id }));

    public void ReportSnapshot(MemberId member, bool arrived) =>
        Post(() => raft.Step(new Message { Type = MessageType.SnapStatus, From = member, To = raft.Id, Reject = !arrived }));

    public void ProposeChange(byte[] data) => Post(() => raft.Step(new Message
    {
        Type = MessageType.Prop, From = raft.Id, To = raft.Id,
        Entries = new[] { new Entry(default, default, EntryType.ConfChange, data) },
    }));

    public void RunOwner()
    {
        while (_inbox.TryDequeue(out Action? work))
        {
            work();
        }

        Take();
    }

    public void RunLog()
    {
        Ready[] jobs = [.. _log];
        _log.Clear();
        bool sync = false;
        foreach (Ready job in jobs)
        {
            if (job.HasAppend)
            {
                log.Append(job.HardState, CollectionsMarshal.AsSpan(job.Entries));
                sync |= job.MustSync;
            }
        }

        if (sync)
        {
            log.Sync();
        }

        foreach (Ready job in jobs)
        {
            if (job.Entries.Count > 0)
            {
                Entry last = job.Entries[^1];
                Post(() => raft.OnAppended(last.Index, last.Term));
            }

            foreach (Message message in job.MessagesAfterAppend)
            {
                SendOrStep(message);
            }
        }
    }

    public void RunApply()
    {
        if (_apply.Count == 0)
        {
            return;
        }

        while (_apply.TryDequeue(out Entry entry))
        {
            ApplyOutcome? outcome = machine.Apply(entry, out ulong id);
            if (entry.Type == EntryType.ConfChange)
            {
                var change = Etcd.Protocol.Raftpb.ConfChange.Parser.ParseFrom(entry.Data.Span);
                Post(() => raft.ApplyConfChange(new ConfChange((ConfChangeKind)(int)change.Type, new MemberId(change.NodeId))));
            }

            _applied = entry.Index.Value;
            LogIndex index = entry.Index;
            Post(() => raft.OnApplied(index));
            if (id != 0 && outcome is not null && _waiting.Remove(id, out TaskCompletionSource<ApplyOutcome>? answer))
            {
                if (outcome.Error is { } error)
                {
                    answer.SetException(error.ToException());
                }
                else
                {
                    answer.SetResult(outcome);
                }
            }
        }

        machine.Publish(new LogIndex(_applied));
        ReleaseReads();
    }

    private void Take()
    {
        while (raft.HasReady)
        {
            var ready = new Ready();
            raft.Ready(ready);
            foreach (Message message in ready.Messages)
            {
                SendOrStep(message);
            }

            foreach (Entry entry in ready.CommittedEntries)
            {
                _apply.Enqueue(entry);
            }

            foreach (ReadState read in ready.ReadStates)
            {
                if (_reads.Remove(BinaryPrimitives.ReadUInt64LittleEndian(read.Context.Span), out TaskCompletionSource? waiting))
                {
                    _confirmed.Add((read.Index.Value, waiting));
                }
            }

            ReleaseReads();
            if (ready.HasAppend || ready.MessagesAfterAppend.Count > 0)
            {
                _log.Enqueue(ready);
                LogWork();
            }

            if (_apply.Count > 0)
            {
                ApplyWork();
            }
        }
    }

    private void ReleaseReads() => _confirmed.RemoveAll(read =>
    {
        if (read.Index > _applied)
        {
            return false;
        }

        read.Read.SetResult();
        return true;
    });

    private void SendOrStep(Message message)
    {
        if (message.To == raft.Id)
        {
            Post(() => raft.Step(message));
        }
        else
        {
            send(message);
        }
    }

    private void Post(Action work)
    {
        _inbox.Enqueue(work);
        OwnerWork();
    }
}
