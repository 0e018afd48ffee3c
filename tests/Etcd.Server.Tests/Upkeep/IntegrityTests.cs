using Etcd.Protocol.Errors;
using Etcd.Server.Hosting.Upkeep.Integrity;
using Etcd.Server.Peer;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Tests.Upkeep;

/// <summary>
/// Goal: members whose data differ are found and named as etcd names them, and nothing else is taken for a difference. Method: one
/// member that checks, others that answer what the test says.
/// </summary>
public sealed class IntegrityTests
{
    private const string Silence = "silence";

    private readonly FakeHashes _hashes = new();
    private readonly RecordingLog _log = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<bool, object[]> AtStart => new()
    {
        { true, [Hash(7)] },
        { true, [Hash(7), Hash(7)] },
        { false, [Hash(8)] },
        { false, [Hash(7), Hash(8)] },
        // Where others stand elsewhere, or say nothing, nothing is known.
        { true, [Hash(8, compacted: 3)] },
        { true, [Silence, EtcdErrors.FutureRevision] },
        { true, [EtcdErrors.Compacted, EtcdErrors.ClusterIdMismatch] },
        { false, [Silence, Hash(8)] },
    };

    [Theory]
    [MemberData(nameof(AtStart))]
    public async Task At_the_start_a_hash_that_contradicts_this_members_counts(bool passes, object[] answers)
    {
        _hashes.Own.Enqueue((Own(7), 10));
        Others(answers);
        Assert.Equal(passes, await InitialCheck.PassesAsync(_hashes, _log, Cancel));
        Assert.Equal([10L], _hashes.Asked);
        Assert.Empty(_hashes.Corrupt);
        Assert.Equal(!passes, _log.Messages.Contains("found different hash values from remote peer"));
    }

    public static TheoryData<ulong[], object[]> Periodic => new()
    {
        { [], [Hash(7), Hash(7)] },
        { [3], [Hash(7), Hash(8)] },
        // One alarm at a time, as etcd.
        { [2], [Hash(8), Hash(8)] },
        { [2], [Hash(7, revision: 11), Hash(7)] },
        { [3], [Hash(7), Hash(9, compacted: 5)] },
        { [], [Hash(9, compacted: 2), Silence] },
        { [], [EtcdErrors.Compacted, EtcdErrors.FutureRevision] },
    };

    [Theory]
    [MemberData(nameof(Periodic))]
    public async Task The_leader_names_the_first_whose_data_are_wrong(ulong[] corrupt, object[] answers)
    {
        _hashes.Own.Enqueue((Own(7), 10));
        Others(answers);
        await new PeriodicCheck(_hashes, _log).RunAsync(Cancel);
        Assert.Equal(corrupt, _hashes.Corrupt.Select(m => m.Value));
    }

    [Fact]
    public async Task A_leader_whose_own_hash_changes_by_itself_names_itself()
    {
        for (int i = 0; i < 4; i++)
            _hashes.Own.Enqueue((Own((uint)(7 + (i % 2))), 10));

        Others(Hash(7));
        await new PeriodicCheck(_hashes, _log).RunAsync(Cancel);
        Assert.Equal([new MemberId(1)], _hashes.Corrupt);
    }

    [Fact]
    public async Task A_leader_that_has_changed_or_compacted_meanwhile_has_another_hash_by_right()
    {
        _hashes.Own.Enqueue((Own(7), 10));
        _hashes.Own.Enqueue((new HistoryHash(9, 4, 11), 11));
        _hashes.Own.Enqueue((new HistoryHash(9, 4, 11), 11));
        _hashes.Own.Enqueue((new HistoryHash(5, 10, 11), 11));
        Others(revision => revision == 10 ? Hash(7) : new PeerHash(11, 9, 4, revision));
        var check = new PeriodicCheck(_hashes, _log);
        await check.RunAsync(Cancel);
        await check.RunAsync(Cancel);
        Assert.Equal([10L, 11L], _hashes.Asked);
        Assert.Empty(_hashes.Corrupt);
    }

    /// <summary>The hash that a compaction leaves may differ from that of the same revision before it.</summary>
    [Fact]
    public async Task What_is_found_once_and_not_again_raises_nothing()
    {
        int asked = 0;
        _hashes.Own.Enqueue((Own(7), 10));
        Others(_ => asked++ == 0 ? Hash(8) : Hash(7));
        await new PeriodicCheck(_hashes, _log).RunAsync(Cancel);
        Assert.Equal(2, asked);
        Assert.Empty(_hashes.Corrupt);
        Assert.Contains("same compact revision then hashes must match", _log.Messages);
    }

    [Fact]
    public async Task A_leader_that_cannot_be_sure_to_lead_says_nothing()
    {
        _hashes.Own.Enqueue((Own(7), 10));
        Others(Hash(8));
        _hashes.LinearizeFails = EtcdErrors.LeaderChanged;
        await Assert.ThrowsAsync<EtcdErrorException>(() => new PeriodicCheck(_hashes, _log).RunAsync(Cancel));
        Assert.Empty(_hashes.Corrupt);
    }

    public static TheoryData<ulong[], object[]> OfCompactions => new()
    {
        { [], [Hash(7), Hash(7)] },
        { [3], [Hash(7), Hash(8)] },
        // The majority is right, whoever leads.
        { [1], [Hash(8), Hash(8)] },
        // Without one nobody can be named.
        { [0], [Hash(8), Hash(9)] },
        { [0], [Hash(8)] },
        { [0], [Hash(8), Silence] },
        { [4, 5], [Hash(7), Hash(7), Hash(8), Hash(9)] },
        { [], [Hash(8, compacted: 3), Hash(7)] },
        { [], [EtcdErrors.Compacted, Silence] },
    };

    [Theory]
    [MemberData(nameof(OfCompactions))]
    public async Task Who_is_not_with_the_majority_after_a_compaction_is_named(ulong[] corrupt, object[] answers)
    {
        _hashes.Compactions.Add(Own(7));
        Others(answers);
        await new CompactionCheck(_hashes, TimeSpan.FromSeconds(7), _log).RunAsync(Cancel);
        Assert.Equal(corrupt, _hashes.Corrupt.Select(m => m.Value).Order());
        Assert.Contains("finished compaction hash check", _log.Messages);
    }

    [Fact]
    public async Task A_hash_that_was_equal_everywhere_is_not_asked_for_again()
    {
        var check = new CompactionCheck(_hashes, TimeSpan.FromSeconds(7), _log);
        await check.RunAsync(Cancel);
        Assert.Empty(_log.Messages);
        _hashes.Compactions.AddRange([new HistoryHash(5, -1, 5), new HistoryHash(7, 5, 10)]);
        Others(revision => revision == 10 ? new PeerHash(20, 7, 5, 10) : new PeerHash(20, 5, -1, 5));
        await check.RunAsync(Cancel);
        await check.RunAsync(Cancel);
        Assert.Equal([10L], _hashes.Asked);
        _hashes.Compactions.Add(new HistoryHash(8, 10, 15));
        Others(_ => new PeerHash(20, 8, 10, 15));
        await check.RunAsync(Cancel);
        Assert.Equal([10L, 15L], _hashes.Asked);
    }

    [Fact]
    public async Task Where_somebody_lacks_the_newest_hash_an_older_one_is_compared()
    {
        _hashes.Compactions.AddRange([new HistoryHash(5, -1, 5), new HistoryHash(7, 5, 10)]);
        Others(revision => revision == 10 ? EtcdErrors.FutureRevision : new PeerHash(6, 5, -1, 5));
        var check = new CompactionCheck(_hashes, TimeSpan.FromSeconds(7), _log);
        await check.RunAsync(Cancel);
        await check.RunAsync(Cancel);
        // The newest is asked for again, the older one is done with.
        Assert.Equal([10L, 5L, 10L], _hashes.Asked);
        Assert.Empty(_hashes.Corrupt);
    }

    [Fact]
    public async Task Alone_there_is_nothing_to_compare()
    {
        _hashes.Compactions.Add(Own(7));
        _hashes.Own.Enqueue((Own(7), 10));
        await new CompactionCheck(_hashes, TimeSpan.FromSeconds(7), _log).RunAsync(Cancel);
        await new PeriodicCheck(_hashes, _log).RunAsync(Cancel);
        Assert.Empty(_hashes.Corrupt);
    }

    private static HistoryHash Own(uint hash) => new(hash, 4, 10);

    private static object Hash(uint hash, long compacted = 4, long revision = 10) => new PeerHash(revision, hash, compacted, 10);

    private void Others(params object[] answers)
    {
        for (int i = 0; i < answers.Length; i++)
        {
            object answer = answers[i];
            _hashes.Peers[(ulong)i + 2] = _ => answer;
        }
    }

    private void Others(Func<long, object> answer) => _hashes.Peers[2] = answer;
}
