using Etcd.Protocol.Errors;
using Etcd.Server.Membership;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;

namespace Etcd.Server.Tests.Peer;

/// <summary>A node's answers, as a test sets them.</summary>
internal sealed class FakePeerServices : IPeerServices
{
    public static readonly Member One = new(new MemberId(0x1234567890abcdef), ["http://127.0.0.1:2380"], false, "one", ["http://127.0.0.1:2379"]);

    public static readonly Member Learner = new(new MemberId(2), ["http://127.0.0.1:2382", "http://h:1"], true, "", []);

    /// <summary>What everything is refused with, if set.</summary>
    public EtcdError? Refusal { get; set; }

    public string? Token { get; private set; }

    public IReadOnlyList<Member> Members { get; set; } = [One, Learner];

    public string? ClusterVersion { get; set; } = "3.7.0";

    public ValueTask<IReadOnlyList<Member>> PromoteAsync(MemberId learner, string? token, CancellationToken cancellation)
    {
        Token = token;
        return Answer(Members);
    }

    public ValueTask<PeerHash> HashKvAsync(long revision, CancellationToken cancellation) => Answer(new PeerHash(revision + 5, 4_000_000_000, 3, revision));

    public ValueTask<long> RenewAsync(LeaseId lease, CancellationToken cancellation) => Answer(lease.Value + 1);

    public ValueTask<PeerLease> LeaseTimeToLiveAsync(LeaseId lease, bool withKeys, CancellationToken cancellation) =>
        Answer(new PeerLease(-1, lease.Value, withKeys ? [new byte[] { 1 }, new byte[] { 2, 3 }] : []));

    public ValueTask<bool> IsDowngradeEnabledAsync(CancellationToken cancellation) => Answer(true);

    public ValueTask<PeerStateSource> StateAsync(CancellationToken cancellation) =>
        Answer(new PeerStateSource(new LogIndex(77), new Term(5), State(), new MemoryStream()));

    /// <summary>The pieces of the state; the test may let it break off.</summary>
    public Func<IEnumerable<ReadOnlyMemory<byte>>> State { get; set; } = static () => [new byte[] { 1, 2, 3 }, new byte[] { 4 }];

    private ValueTask<T> Answer<T>(T value) =>
        Refusal is null ? ValueTask.FromResult(value) : ValueTask.FromException<T>(Refusal.ToException());
}
