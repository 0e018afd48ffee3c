using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Space;
using Etcd.Server.Io;
using Etcd.Server.Lease;
using Etcd.Server.Membership;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Storage;
using Google.Protobuf;

namespace Etcd.Server.Tests.Apply;

/// <summary>A member's whole replicated state, without a member.</summary>
internal sealed class StateBench
{
    private static readonly Term Term = new(3);

    private ulong _index;

    public StateBench(Func<MvccStore, SpaceQuota>? quota = null)
    {
        Leases = new LeaseManager(TimeProvider.System);
        Machine = new StateMachine(Store, Leases, Cluster, quota: quota?.Invoke(Store));
    }

    public MvccStore Store { get; } = new();

    public LeaseManager Leases { get; }

    public ClusterState Cluster { get; } = new(1);

    public StateMachine Machine { get; }

    public ApplyOutcome? Apply(InternalRaftRequest command)
    {
        var entry = new Entry(Term, new LogIndex(++_index), EntryType.Normal, command.ToByteArray());
        ApplyOutcome? outcome = Machine.Apply(entry, out _);
        Machine.Publish(entry.Index);
        return outcome;
    }

    public void Put(string key, string value, long lease = 0) => Apply(new InternalRaftRequest
    {
        Put = new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value), Lease = lease },
    });

    public ISnapshotContent Pin() => Machine.Export(new LogIndex(_index), Term);

    public byte[] Export()
    {
        using ISnapshotContent content = Pin();
        return Write(content);
    }

    public static byte[] Write(ISnapshotContent content)
    {
        var file = new MemoryStream();
        content.WriteTo(file);
        Assert.Equal(content.Length, file.Length);
        return file.ToArray();
    }

    public void Install(byte[] file)
    {
        Machine.Install(new MemoryStream(file), new LogIndex(1), new Term(1));
        var reader = new Server.Bolt.BoltReader(new MemoryStream(file));
        Server.Bolt.BoltCursor cursor = reader.Open("meta")!;
        while (cursor.MoveNext())
        {
            if (cursor.Key.SequenceEqual("consistent_index"u8))
                _index = System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(cursor.Value);
        }
    }

    public void Finish()
    {
        while (Machine.Maintain() != Timeout.InfiniteTimeSpan)
        {
        }
    }

    public void RandomCommands(Random random, int count)
    {
        for (int i = 0; i < count; i++)
            Apply(RandomCommand(random));
    }

    public static void AssertSame(StateBench expected, StateBench actual)
    {
        Assert.Equal(expected.Store.CurrentRevision, actual.Store.CurrentRevision);
        Assert.Equal(expected.Store.CompactRevision, actual.Store.CompactRevision);
        Assert.Equal(Leased(expected), Leased(actual));
        for (long revision = Math.Max(1, expected.Store.CompactRevision); revision <= expected.Store.CurrentRevision; revision++)
        {
            Assert.Equal(All(expected, revision), All(actual, revision));
            Assert.Equal(Count(expected, revision), Count(actual, revision));
            if (expected.Store.CompactionHashes.All(h => h.Revision != revision))
                Assert.Equal(Hash(expected, revision), Hash(actual, revision));
        }

        Assert.Equal(Events(expected), Events(actual));
        byte[] file = expected.Export();
        Assert.Equal(file, actual.Export());
        using var a = (Server.Apply.Snapshots.StateExport)expected.Pin();
        using var b = (Server.Apply.Snapshots.StateExport)actual.Pin();
        Assert.Equal(a.Hash(), b.Hash());
    }

    private InternalRaftRequest RandomCommand(Random random)
    {
        ByteString key = ByteString.CopyFromUtf8("k" + random.Next(12));
        switch (random.Next(21))
        {
            case < 9:
                return new InternalRaftRequest
                {
                    Put = new PutRequest
                    {
                        Key = key,
                        Value = ByteString.CopyFrom(new byte[random.Next(30) == 0 ? random.Next(9000) : random.Next(20)]),
                        Lease = random.Next(3) == 0 ? random.Next(1, 6) : 0,
                    },
                };
            case < 13:
                return new InternalRaftRequest { DeleteRange = new DeleteRangeRequest { Key = key } };
            case < 14:
                return new InternalRaftRequest { DeleteRange = new DeleteRangeRequest { Key = key, RangeEnd = ByteString.CopyFromUtf8("k9") } };
            case < 16:
                return new InternalRaftRequest { LeaseGrant = new LeaseGrantRequest { ID = random.Next(1, 6), TTL = random.Next(1, 1000) } };
            case < 17:
                return new InternalRaftRequest { LeaseRevoke = new LeaseRevokeRequest { ID = random.Next(1, 6) } };
            case < 18:
                return new InternalRaftRequest
                {
                    Txn = new TxnRequest
                    {
                        Success =
                        {
                            new RequestOp { RequestPut = new PutRequest { Key = key, Value = ByteString.CopyFromUtf8("1") } },
                            new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = ByteString.CopyFromUtf8("z") } },
                            new RequestOp { RequestPut = new PutRequest { Key = ByteString.CopyFromUtf8("z"), Value = key } },
                        },
                    },
                };
            case 18:
                // Of a kind that refuses nothing, so that the other commands still do something.
                return new InternalRaftRequest
                {
                    Alarm = new AlarmRequest
                    {
                        Action = (AlarmRequest.Types.AlarmAction)random.Next(3),
                        MemberID = (ulong)random.Next(1, 3),
                        Alarm = (AlarmType)7,
                    },
                };
            default:
                // Boundaries are where mistakes are: the newest revision, often a tombstone's, as often as any.
                long newest = Store.CurrentRevision;
                return new InternalRaftRequest
                {
                    Compaction = new CompactionRequest { Revision = random.Next(2) == 0 ? newest : random.NextInt64(1, newest + 1) },
                };
        }
    }

    private static List<string> All(StateBench bench, long revision)
    {
        var result = new RangeResult();
        Assert.Equal(ReadStatus.Ok, bench.Store.Range(new RangeQuery { Key = [0], RangeEnd = [0], Revision = revision }, result));
        return [.. result.Kvs.ToArray().Select(kv => Convert.ToHexString(kv.Span))];
    }

    private static long Count(StateBench bench, long revision)
    {
        var result = new RangeResult();
        bench.Store.Range(new RangeQuery { Key = "k3"u8, RangeEnd = [0], Revision = revision, CountOnly = true }, result);
        return result.Count;
    }

    private static HistoryHash Hash(StateBench bench, long revision)
    {
        Assert.Equal(ReadStatus.Ok, bench.Store.HashKv(revision, out HistoryHash hash, out _));
        return hash;
    }

    private static List<string> Events(StateBench bench)
    {
        var events = new List<StoreEvent>();
        long from = Math.Max(1, bench.Store.CompactRevision);
        Assert.Equal(EventReadStatus.Ok, bench.Store.ReadEvents(from, int.MaxValue, events, out _));
        return [.. events.Select(e => $"{e.Type} {e.Revision} {Convert.ToHexString(e.KeyValue.Span)} {e.IsCreate}")];
    }

    private static List<string> Leased(StateBench bench) =>
    [
        .. bench.Leases.Records().OrderBy(r => r.Id.Value).Select(r =>
            $"{r} {string.Join(',', bench.Leases.Keys(r.Id).Select(k => System.Text.Encoding.ASCII.GetString(k.Span)))}"),
    ];
}
