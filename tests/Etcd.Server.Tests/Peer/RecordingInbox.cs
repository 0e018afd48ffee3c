using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Tests.Peer;

/// <summary>Keeps what arrives. While it is shut, whoever delivers waits, so that a stream's reader stands still.</summary>
internal sealed class RecordingInbox : IPeerInbox
{
    private readonly Lock _gate = new();
    private readonly List<Message> _messages = [];
    private readonly List<(Message Message, string File)> _snapshots = [];
    private readonly List<MemberId> _unreachable = [];
    private readonly List<(MemberId Member, bool Arrived)> _sent = [];

    /// <summary>Open unless a test shuts it.</summary>
    public ManualResetEventSlim Door { get; } = new(initialState: true);

    public IReadOnlyList<Message> Messages => Copy(_messages);

    public IReadOnlyList<(Message Message, string File)> Snapshots => Copy(_snapshots);

    public IReadOnlyList<MemberId> Unreachable => Copy(_unreachable);

    public IReadOnlyList<(MemberId Member, bool Arrived)> SentSnapshots => Copy(_sent);

    public void Deliver(in Message message)
    {
        Door.Wait();
        Add(_messages, message);
    }

    public void DeliverSnapshot(in Message message, string file) => Add(_snapshots, (message, file));

    public void ReportUnreachable(MemberId member) => Add(_unreachable, member);

    public void ReportSnapshot(MemberId member, bool arrived) => Add(_sent, (member, arrived));

    private IReadOnlyList<T> Copy<T>(List<T> from)
    {
        lock (_gate)
        {
            return [.. from];
        }
    }

    private void Add<T>(List<T> to, T item)
    {
        lock (_gate)
        {
            to.Add(item);
        }
    }
}
