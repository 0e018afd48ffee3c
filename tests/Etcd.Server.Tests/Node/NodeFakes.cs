using Etcd.Server.Apply;
using Etcd.Server.Io;
using Etcd.Server.Node;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Storage.Disk;

namespace Etcd.Server.Tests.Node;

/// <summary>Answers that the test gives when it wants to.</summary>
internal sealed class QueuedCompletions(List<string>? trace = null) : ICompletions
{
    private readonly Queue<IThreadPoolWorkItem> _work = new();

    public void Post(IThreadPoolWorkItem work) => _work.Enqueue(work);

    public bool Run()
    {
        bool any = false;
        while (_work.TryDequeue(out IThreadPoolWorkItem? work))
        {
            any = true;
            trace?.Add("answer");
            work.Execute();
        }

        return any;
    }
}

/// <summary>Peers that hear everything and say nothing.</summary>
internal sealed class RecordingPeers(List<string> trace) : IPeerTransport
{
    public List<Message> Sent { get; } = [];

    public List<(Message Message, ISnapshotContent Content)> Snapshots { get; } = [];

    public IReadOnlyList<PeerAddress> Peers { get; private set; } = [];

    public IReadOnlyCollection<MemberId> Removed { get; private set; } = [];

    /// <summary>Called from inside the send.</summary>
    public Action<Message> Answer { get; set; } = static _ => { };

    public Func<MemberId, DateTimeOffset?> Active { get; set; } = static _ => null;

    public void Send(ReadOnlySpan<Message> messages)
    {
        foreach (Message message in messages)
        {
            Sent.Add(message with { Entries = message.Entries.ToArray() });
            trace.Add($"send {message.Type} {message.To}");
            Answer(message);
        }
    }

    public void SendSnapshot(in Message message, ISnapshotContent content)
    {
        Snapshots.Add((message, content));
        trace.Add($"send snapshot {message.Snapshot!.Index} {message.To}");
    }

    public void SetPeers(IReadOnlyList<PeerAddress> peers, IReadOnlyCollection<MemberId> removed)
    {
        Peers = peers;
        Removed = removed;
    }

    public DateTimeOffset? ActiveSince(MemberId member) => Active(member);
}

/// <summary>Snapshots in memory.</summary>
internal sealed class RecordingSnapshots(List<string> trace) : ISnapshotStore
{
    public void Save(Snapshot snapshot, string file) => trace.Add($"save snapshot {snapshot.Index} {file}");

    public Stream OpenDatabase(LogIndex index)
    {
        trace.Add($"open {index}");
        return new MemoryStream([]);
    }

    public void PurgeBefore(LogIndex index) => trace.Add($"purge {index}");

    public void Discard(string file) => trace.Add($"discard {file}");
}

/// <summary>A state that only says what is done with it.</summary>
internal sealed class RecordingState(List<string> trace) : IStateSnapshots
{
    public ConfState Configuration { get; set; } = ConfState.Empty;

    public ReadOnlyMemory<byte> MembershipData => "members"u8.ToArray();

    public ISnapshotContent Export(LogIndex applied, Term term)
    {
        trace.Add($"export {applied} {term}");
        return new Empty();
    }

    public void Install(Stream content, LogIndex index, Term term) => trace.Add("install");

    public void LoadWithoutKeys(StoreFolder folder) => trace.Add("load without keys");

    public void Load(StoreFolder folder) => trace.Add("load");

    private sealed class Empty : ISnapshotContent
    {
        public long Length => 0;

        public void WriteTo(Stream target)
        {
        }

        public void Dispose()
        {
        }
    }
}
