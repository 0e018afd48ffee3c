using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Api.Kv;
using Etcd.Server.Apply;
using Etcd.Server.Node;
using Etcd.Server.Tests.Members;
using Google.Protobuf;

namespace Etcd.Server.Tests.Api;

/// <summary>Goal: who asks for a physical compaction is answered when its work is done, and not before. Method: a whole member with a long history.</summary>
public sealed class CompactCallTests
{
    private const int Writes = 20_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task APhysicalCompactionIsAnsweredWhenItsWorkIsDone()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(1);
        RunningMember member = cluster["m1"];
        long revision = await WriteAsync(member);
        var kv = new KvService(member.Member.Api);

        // The mark is quick; a second one who asks for the same has to wait for the first one's work, and is then told that it was done.
        Task<ApplyOutcome> marked = kv.Compact(Command(revision, physical: false), new TestCall(Cancel));
        Task<ApplyOutcome> physical = kv.Compact(Command(revision, physical: true), new TestCall(Cancel));
        await marked;
        EtcdErrorException error = await Assert.ThrowsAsync<EtcdErrorException>(() => physical);
        Assert.Same(EtcdErrors.Compacted, error.Error);
        Assert.Equal(revision, member.Member.Store.FinishedCompactRevision);

        long next = await WriteAsync(member);
        ApplyOutcome outcome = await kv.Compact(Command(next, physical: true), new TestCall(Cancel));
        Assert.Equal(next, outcome.Revision);
        Assert.Equal(next, member.Member.Store.FinishedCompactRevision);
        Assert.Equal([revision, next], member.Member.Store.CompactionHashes.Select(h => h.Revision));
    }

    private static RaftCommand Command(long revision, bool physical) => RaftCommand.Create(
        RaftCommandKind.Compaction, new CompactionRequest { Revision = revision, Physical = physical }.ToByteArray());

    private static async Task<long> WriteAsync(RunningMember member)
    {
        byte[] put = new PutRequest { Key = ByteString.CopyFromUtf8("k"), Value = ByteString.CopyFromUtf8("v") }.ToByteArray();
        long revision = 0;
        foreach (int[] batch in Enumerable.Range(0, Writes).Chunk(2000))
        {
            ApplyOutcome[] outcomes = await Task.WhenAll(
                batch.Select(_ => member.Member.Api.Proposals.ProposeAsync(RaftCommand.Create(RaftCommandKind.Put, put))));
            revision = outcomes.Max(o => o.Revision);
        }

        return revision;
    }
}
