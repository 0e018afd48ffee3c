using System.Text;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Raft.Tests.Interaction;

/// <summary>
/// One member of a script: the core, a log store that keeps what is durable, and a state machine that keeps what was applied.
/// </summary>
internal sealed class Member
{
    private readonly RaftOptions _options;
    private readonly Ready _ready = new();
    private HardState _hardState;
    private Snapshot? _snapshot;
    private List<Entry> _durable = [];

    public Member(RaftOptions options, RecoveredLog recovered, bool isAsync)
    {
        _options = options;
        _hardState = recovered.HardState;
        _snapshot = recovered.Snapshot;
        _durable = [.. recovered.Entries];
        IsAsync = isAsync;
        Raft = new RaftNode(options, recovered);
    }

    public RaftNode Raft { get; private set; }

    /// <summary>Whether writing and applying are commands of their own.</summary>
    public bool IsAsync { get; }

    /// <summary>What is being written, oldest first.</summary>
    public Queue<AppendWork> Appending { get; } = new();

    /// <summary>What is being applied, oldest first.</summary>
    public Queue<ApplyWork> Applying { get; } = new();

    public IEnumerable<Entry> DurableEntries => _durable;

    public Snapshot? DurableSnapshot => _snapshot;

    /// <summary>All that was applied, in order.</summary>
    public List<string> Applied { get; } = [];

    /// <summary>Takes a Ready. Messages that may leave go to the network; the rest goes into the queues.</summary>
    public Ready TakeReady(List<Message> network)
    {
        Raft.Ready(_ready);
        network.AddRange(_ready.Messages);
        if (_ready.HasAppend || _ready.MessagesAfterAppend.Count > 0)
        {
            Appending.Enqueue(new AppendWork(_ready.HardState, _ready.Snapshot, [.. _ready.Entries], [.. _ready.MessagesAfterAppend]));
        }

        if (_ready.Snapshot is not null || _ready.CommittedEntries.Count > 0)
        {
            Applying.Enqueue(new ApplyWork(_ready.Snapshot, [.. _ready.CommittedEntries]));
        }

        return _ready;
    }

    /// <summary>Makes the oldest write durable, as a WAL does: an entry replaces all that were at its index and behind.</summary>
    public AppendWork RunAppend(List<Message> network)
    {
        AppendWork work = Appending.Dequeue();
        _hardState = work.HardState ?? _hardState;
        if (work.Snapshot is { } snapshot)
        {
            _snapshot = snapshot;
            _durable = [];
        }

        foreach (Entry entry in work.Entries)
        {
            _durable.RemoveAll(e => e.Index >= entry.Index);
            _durable.Add(entry);
        }

        if (work.Entries.Length > 0)
        {
            Raft.OnAppended(work.Entries[^1].Index, work.Entries[^1].Term);
        }
        else if (work.Snapshot is { } alone)
        {
            Raft.OnAppended(alone.Index, alone.Term);
        }

        network.AddRange(work.Messages);
        return work;
    }

    /// <summary>Applies the oldest batch. A change of the configuration is told to the core before the index is.</summary>
    public ApplyWork RunApply(Action<ConfState> changed)
    {
        ApplyWork work = Applying.Dequeue();
        if (work.Snapshot is { } snapshot)
        {
            Raft.OnApplied(snapshot.Index);
            Applied.Add($"snapshot {snapshot.Term}/{snapshot.Index}");
            changed(snapshot.Configuration);
        }

        foreach (Entry entry in work.Entries)
        {
            Applied.Add(Describe.Of(entry));
            if (entry.Type == EntryType.ConfChange)
            {
                changed(Raft.ApplyConfChange(ParseChange(Encoding.UTF8.GetString(entry.Data.Span))));
            }
        }

        if (work.Entries.Length > 0)
        {
            Raft.OnApplied(work.Entries[^1].Index);
        }

        return work;
    }

    /// <summary>Loses all that is not durable, and starts again. The state machine kept what is in the snapshot.</summary>
    public void Restart()
    {
        Appending.Clear();
        Applying.Clear();
        LogIndex start = _snapshot?.Index ?? default;
        Applied.Clear();
        Raft = new RaftNode(
            _options, new RecoveredLog(_hardState, _snapshot, _durable, start, _snapshot?.Configuration ?? ConfState.Empty));
    }

    public static ConfChange ParseChange(string text)
    {
        var member = new MemberId(ulong.Parse(text[1..], null));
        return text[0] switch
        {
            'v' => new ConfChange(ConfChangeKind.AddVoter, member),
            'l' => new ConfChange(ConfChangeKind.AddLearner, member),
            'r' => new ConfChange(ConfChangeKind.Remove, member),
            'u' => new ConfChange(ConfChangeKind.Update, member),
            // The state machine refuses this one.
            'x' => new ConfChange(ConfChangeKind.AddVoter, MemberId.None),
            _ => throw new FormatException(text),
        };
    }
}

/// <summary>One write to the log and what may leave after it.</summary>
internal sealed record AppendWork(HardState? HardState, Snapshot? Snapshot, Entry[] Entries, Message[] Messages);

/// <summary>One batch for the state machine.</summary>
internal sealed record ApplyWork(Snapshot? Snapshot, Entry[] Entries);
