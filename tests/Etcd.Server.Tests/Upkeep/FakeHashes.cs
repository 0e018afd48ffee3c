using Etcd.Protocol.Errors;
using Etcd.Server.Hosting.Upkeep.Integrity;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Tests.Upkeep;

/// <summary>Members whose hashes are what a test says. Member 1 is the one that checks.</summary>
internal sealed class FakeHashes : IHashSource
{
    public MemberId Self { get; } = new(1);

    public List<HistoryHash> Compactions { get; } = [];

    /// <summary>Its own hash, as often as it is asked for.</summary>
    public Queue<(HistoryHash Hash, long Revision)> Own { get; } = new();

    /// <summary>What each other member answers for a revision.</summary>
    public SortedDictionary<ulong, Func<long, object>> Peers { get; } = [];

    public List<long> Asked { get; } = [];

    public List<MemberId> Corrupt { get; } = [];

    public EtcdError? LinearizeFails { get; set; }

    public IReadOnlyList<HistoryHash> CompactionHashes => Compactions;

    public Task<(HistoryHash Hash, long Revision)> HashAsync(CancellationToken cancellation) =>
        Task.FromResult(Own.Count > 1 ? Own.Dequeue() : Own.Peek());

    public Task<IReadOnlyList<PeerHashAnswer>> AskPeersAsync(long revision, CancellationToken cancellation)
    {
        Asked.Add(revision);
        return Task.FromResult<IReadOnlyList<PeerHashAnswer>>([.. Peers.Select(p => Answer(new MemberId(p.Key), p.Value(revision)))]);
    }

    public Task LinearizeAsync(CancellationToken cancellation) =>
        LinearizeFails is null ? Task.CompletedTask : Task.FromException(LinearizeFails.ToException());

    public void RaiseCorrupt(MemberId member) => Corrupt.Add(member);

    private static PeerHashAnswer Answer(MemberId member, object said) => said switch
    {
        PeerHash hash => new PeerHashAnswer(member, ["http://x:1"], hash),
        EtcdError error => new PeerHashAnswer(member, ["http://x:1"], null, error),
        _ => new PeerHashAnswer(member, ["http://x:1"], null),
    };
}
