using System.Text;
using Etcd.Protocol.Authpb;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Membershippb;
using Etcd.Server.Apply.Snapshots;
using Etcd.Server.Bolt;
using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.Server.Tests.Bolt;
using Etcd.Server.Tests.Storage;
using Etcd.Server.Tests.Watch;
using Etcd.Server.Watch;
using Etcd.TestKit;
using Google.Protobuf;
using Member = Etcd.Server.Membership.Member;

namespace Etcd.Server.Tests.Apply;

/// <summary>
/// Goal: a state that went out and came in is the same state: everything that can be read of it, now and after more commands, and
/// when it goes out again, byte for byte. Method: two members apply the same random commands; one of them gets its state from the
/// other's export in between, once or more often.
/// </summary>
public sealed class StateSnapshotTests
{
    [Fact]
    public void A_state_that_was_installed_behaves_as_the_one_that_was_exported() => TestSeed.ForEach(150, random =>
    {
        var source = new StateBench();
        var copy = new StateBench();
        source.RandomCommands(random, random.Next(200));
        copy.RandomCommands(new Random(random.Next()), random.Next(50));
        for (int round = 0; round < 3; round++)
        {
            // Often in the middle of a compaction's work.
            for (int steps = random.Next(6); steps > 0; steps--)
                source.Machine.Maintain();

            byte[] file = source.Export();
            BoltCheck.All(file);
            copy.Install(file);
            int seed = random.Next();
            int count = random.Next(100);
            source.RandomCommands(new Random(seed), count);
            copy.RandomCommands(new Random(seed), count);
            source.Finish();
            copy.Finish();
            StateBench.AssertSame(source, copy);
        }
    });

    [Fact]
    public void What_is_written_after_the_pin_is_not_in_the_export()
    {
        var bench = new StateBench();
        bench.Put("a", "1");
        bench.Put("b", "1");
        byte[] before = bench.Export();

        using ISnapshotContent pinned = bench.Pin();
        bench.Put("a", "2");
        bench.Put("c", "1");
        bench.Apply(new InternalRaftRequest { Compaction = new CompactionRequest { Revision = 4 } });
        bench.Finish();
        Assert.Equal(before, StateBench.Write(pinned));
    }

    [Fact]
    public void Empty_state_has_all_buckets()
    {
        byte[] file = new StateBench().Export();
        var reader = new BoltReader(new MemoryStream(file));
        Assert.Equal(
            ["alarm", "auth", "authRoles", "authUsers", "cluster", "key", "lease", "members", "members_removed", "meta"], reader.Buckets);
        Assert.Equal(["consistent_index", "term", "confState"], Keys(reader, "meta").OrderBy(k => k == "confState"));
    }

    [Fact]
    public void Records_have_etcds_bytes()
    {
        var bench = new StateBench();
        bench.Apply(new InternalRaftRequest { LeaseGrant = new LeaseGrantRequest { ID = 7, TTL = 60 } });
        bench.Apply(new InternalRaftRequest
        {
            LeaseCheckpoint = new LeaseCheckpointRequest { Checkpoints = { new LeaseCheckpoint { ID = 7, RemainingTTL = 30 } } },
        });
        bench.Put("a", "b");
        bench.Put("a", "c", lease: 7);
        bench.Apply(new InternalRaftRequest { DeleteRange = new DeleteRangeRequest { Key = ByteString.CopyFromUtf8("a") } });
        bench.Apply(new InternalRaftRequest { Compaction = new CompactionRequest { Revision = 3 } });
        bench.Finish();
        bench.Apply(new InternalRaftRequest { ClusterVersionSet = new ClusterVersionSetRequest { Ver = "3.7.0" } });
        bench.Cluster.Put(new Member(new MemberId(0xab), ["http://h:2380"], IsLearner: false, "m0", ["http://h:2379"]));
        bench.Cluster.Put(new Member(new MemberId(0xcd), ["http://i:2380"], IsLearner: true, "", []));
        bench.Cluster.Put(new Member(new MemberId(0xef), ["http://j:2380"], IsLearner: false, "", []));
        bench.Cluster.Remove(new MemberId(0xef));

        var reader = new BoltReader(new MemoryStream(bench.Export()));
        Assert.Equal(
            [
                "auth authRevision=0000000000000001",
                "cluster clusterVersion=3.7.0",
                "key 00000000000000035F0000000000000000=0A016110021803200" + "22A01633007",
                "key 00000000000000045F000000000000000074=0A0161",
                "lease 0000000000000007=0807103C181E",
                """members ab={"id":171,"peerURLs":["http://h:2380"],"name":"m0","clientURLs":["http://h:2379"]}""",
                """members cd={"id":205,"peerURLs":["http://i:2380"],"isLearner":true}""",
                "members_removed ef=removed",
                """meta confState={"voters":[171],"learners":[205]}""",
                "meta consistent_index=0000000000000007",
                "meta finishedCompactRev=00000000000000035F0000000000000000",
                "meta scheduledCompactRev=00000000000000035F0000000000000000",
                "meta storageVersion=3.7.0",
                "meta term=0000000000000003",
            ],
            Describe(reader));
    }

    [Fact]
    public void Below_3_6_the_store_says_no_version()
    {
        var bench = new StateBench();
        bench.Cluster.Put(new Member(new MemberId(0xab), ["http://h:2380"], IsLearner: false, "m0", []));
        bench.Apply(new InternalRaftRequest { ClusterVersionSet = new ClusterVersionSetRequest { Ver = "3.5.0" } });
        var reader = new BoltReader(new MemoryStream(bench.Export()));
        Assert.DoesNotContain("storageVersion", Keys(reader, "meta"));
        Assert.Contains("""meta confState={"voters":[171],"auto_leave":false}""", Describe(reader));
    }

    [Fact]
    public void A_downgrade_is_part_of_the_state_while_it_goes_on_and_afterwards()
    {
        var bench = new StateBench();
        bench.Apply(new InternalRaftRequest { DowngradeInfoSet = new DowngradeInfoSetRequest { Enabled = true, Ver = "3.6.0" } });
        var other = new StateBench();
        other.Install(bench.Export());
        Assert.Equal("3.6.0", other.Cluster.Current.Downgrade!.Target);
        Assert.Contains("""cluster downgrade={"target-version":"3.6.0","enabled":true}""", Describe(new BoltReader(new MemoryStream(other.Export()))));

        other.Apply(new InternalRaftRequest { DowngradeInfoSet = new DowngradeInfoSetRequest { Ver = "3.6.0" } });
        Assert.False(other.Cluster.Current.Downgrade!.IsEnabled);
        Assert.Contains("""cluster downgrade={"target-version":"","enabled":false}""", Describe(new BoltReader(new MemoryStream(other.Export()))));
    }

    [Fact]
    public void What_no_room_holds_is_kept_and_written_again()
    {
        var bench = new StateBench();
        byte[] user = new User { Name = ByteString.CopyFromUtf8("root") }.ToByteArray();
        byte[] file = Rewrite(bench.Export(), t =>
        {
            t.Set("authUsers", "root", user);
            t.Set("auth", "authEnabled", [1]);
            t.Set("cluster", "ofALaterVersion", "{}"u8.ToArray());
            t.Set("meta", "ofALaterVersion", [9]);
            t.Set("newBucket", "k", [8]);
        });

        var other = new StateBench();
        other.Install(file);
        other.Put("x", "y");
        var reader = new BoltReader(new MemoryStream(other.Export()));
        IEnumerable<string> found = Describe(reader).ToList();
        Assert.Contains("authUsers root=" + Convert.ToHexString(user), found);
        Assert.Contains("auth authEnabled=01", found);
        Assert.Contains("cluster ofALaterVersion={}", found);
        Assert.Contains("meta ofALaterVersion=09", found);
        Assert.Contains("newBucket k=08", found);
    }

    [Fact]
    public void A_bumped_revision_is_history_without_a_key()
    {
        var source = new StateBench();
        source.Put("a", "1");
        byte[] bumped = Rewrite(source.Export(), t =>
        {
            t.Set("key", RevisionKey(10_000_000_000), []);
            t.Set("meta", "scheduledCompactRev", StateBuckets.RevisionMark(10_000_000_000));
        });

        var bench = new StateBench();
        bench.Install(bumped);
        bench.Finish();
        Assert.Equal(10_000_000_000, bench.Store.CurrentRevision);
        Assert.Equal(10_000_000_000, bench.Store.CompactRevision);
        Assert.Equal(ReadStatus.Compacted, bench.Store.Range(new RangeQuery { Key = "a"u8, Revision = 9 }, new RangeResult()));
        var all = new RangeResult();
        bench.Store.Range(new RangeQuery { Key = [0], RangeEnd = [0] }, all);
        Assert.Equal(1, all.Count);
        bench.Put("b", "2");
        var events = new List<StoreEvent>();
        Assert.Equal(EventReadStatus.Ok, bench.Store.ReadEvents(10_000_000_000, 100, events, out long next));
        Assert.Equal("b", Encoding.ASCII.GetString(Assert.Single(events).Key.Span));
        Assert.Equal(10_000_000_002, next);

        // The mark goes through further compactions, exports and imports, and counts in the hash.
        bench.Apply(new InternalRaftRequest { Compaction = new CompactionRequest { Revision = 10_000_000_001 } });
        bench.Finish();
        var again = new StateBench();
        again.Install(bench.Export());
        again.Finish();
        Assert.Equal(bench.Export(), again.Export());
        Assert.Contains(Convert.ToHexString(RevisionKey(10_000_000_000)), Keys(new BoltReader(new MemoryStream(again.Export())), "key"));
    }

    [Fact]
    public void A_state_that_is_damaged_replaces_nothing() => TestSeed.ForEach(40, random =>
    {
        var source = new StateBench();
        source.RandomCommands(random, 60);
        byte[] good = source.Export();
        for (int round = 0; round < 40; round++)
        {
            byte[] bad = [.. good];
            int page = random.Next(bad.Length / 4096);
            bad[(page * 4096) + random.Next(random.Next(2) == 0 ? 200 : 4096)] ^= (byte)(1 << random.Next(8));
            var bench = new StateBench();
            bench.Put("mine", "stays");
            byte[] before = bench.Export();
            try
            {
                bench.Install(bad);
            }
            catch (InvalidDataException)
            {
                Assert.Equal(before, bench.Export());
            }
        }
    });

    [Fact]
    public void Watches_go_on_in_the_installed_state_or_end_as_compacted()
    {
        var source = new StateBench();
        for (int i = 0; i < 8; i++)
            source.Put("a", $"{i}");

        var bench = new StateBench();
        var hub = new WatchHub(bench.Store, new FakeTimeProvider(), static () => { });
        bench.Store.ConnectSink(hub);
        bench.Put("a", "0");
        var live = new ClientStream(hub);
        live.Create("a");
        Settle(hub);
        bench.Install(source.Export());
        Settle(hub);
        Assert.Equal("put a@3, put a@4, put a@5, put a@6, put a@7, put a@8, put a@9", ClientStream.Text(live.TakeAll()));
        bench.Put("a", "now");
        Settle(hub);
        Assert.Equal("put a@10", ClientStream.Text(live.TakeAll()));

        for (int i = 0; i < 5; i++)
            source.Put("a", "more");

        source.Apply(new InternalRaftRequest { Compaction = new CompactionRequest { Revision = 13 } });
        bench.Install(source.Export());
        Settle(hub);
        WatchResponse end = Assert.Single(live.TakeAll());
        Assert.True(end.Canceled);
        Assert.Equal(13, end.CompactRevision);
    }

    [Fact]
    public async Task Readers_see_the_old_state_or_the_new_one_whole()
    {
        byte[][] states = [.. ((string[])["x", "y"]).Select(value =>
        {
            var source = new StateBench();
            for (int i = 0; i < 300; i++)
                source.Put($"k{i:d3}", value);

            return source.Export();
        })];
        var bench = new StateBench();
        bench.Install(states[0]);
        bool done = false;
        long reads = 0;
        Task[] readers = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            var result = new RangeResult();
            while (!Volatile.Read(ref done))
            {
                Assert.Equal(ReadStatus.Ok, bench.Store.Range(new RangeQuery { Key = [0], RangeEnd = [0] }, result));
                Assert.Equal(300, result.Kvs.Length);
                byte value = KeyValueFields.Parse(result.Kvs[0].Span).Value[0];
                foreach (ReadOnlyMemory<byte> kv in result.Kvs)
                    Assert.Equal(value, KeyValueFields.Parse(kv.Span).Value[0]);

                Interlocked.Increment(ref reads);
            }
        }))];
        for (int i = 0; i < 150 || Volatile.Read(ref reads) < 200; i++)
            bench.Install(states[i % 2]);

        Volatile.Write(ref done, true);
        await Task.WhenAll(readers);
    }

    [Fact]
    public void The_hash_of_a_compaction_that_began_elsewhere_is_not_kept()
    {
        var source = new StateBench();
        for (int i = 0; i < 5; i++)
            source.Put("a", $"{i}");

        source.Apply(new InternalRaftRequest { Compaction = new CompactionRequest { Revision = 4 } });
        var bench = new StateBench();
        bench.Install(source.Export());
        Assert.True(bench.Machine.NeedsMaintenance);
        bench.Finish();
        source.Finish();
        Assert.Single(source.Store.CompactionHashes);
        Assert.Empty(bench.Store.CompactionHashes);
        Assert.Equal(source.Export(), bench.Export());
    }

    [Fact]
    public void A_length_that_is_believed_too_early_costs_nothing()
    {
        // A value that says it is larger than its record, a key without end: the records are checked, not only the pages.
        foreach (byte[] record in (byte[][])[[0x0A, 200, 1, (byte)'a'], [0x0A, 1], [0x12, 1], [0x0A, 1, (byte)'a', 0x10, 0], [0x0A, 0x81, 0x00, (byte)'a'], [0xFF]])
        {
            byte[] file = Rewrite(new StateBench().Export(), t => t.Set("key", RevisionKey(2), record));
            InvalidDataException error = Assert.Throws<InvalidDataException>(() => new StateBench().Install(file));
            Assert.Contains("bucket \"key\"", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Members_are_told_in_the_form_of_the_old_store()
    {
        var bench = new StateBench();
        bench.Cluster.Put(new Member(new MemberId(0xab), ["http://h:2380"], IsLearner: false, "m0", ["http://h:2379"]));
        bench.Cluster.Put(new Member(new MemberId(0xef), ["http://j:2380"], IsLearner: true, "", []));
        bench.Cluster.Remove(new MemberId(0xcd));
        bench.Cluster.SetVersion("3.5.0");
        using var json = System.Text.Json.JsonDocument.Parse(bench.Machine.MembershipData);
        System.Text.Json.JsonElement root = json.RootElement.GetProperty("Root");
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        Flatten(root, files);
        Assert.Equal(
            [
                """/0/members/ab/attributes={"name":"m0","clientURLs":["http://h:2379"]}""",
                """/0/members/ab/raftAttributes={"peerURLs":["http://h:2380"]}""",
                """/0/members/ef/raftAttributes={"peerURLs":["http://j:2380"],"isLearner":true}""",
                "/0/removed_members/cd=",
                "/0/version=3.5.0",
            ],
            files.Select(f => $"{f.Key}={f.Value}"));
    }

    private static void Settle(WatchHub hub)
    {
        while (hub.RunOnce() == TimeSpan.Zero)
        {
        }
    }

    private static void Flatten(System.Text.Json.JsonElement node, SortedDictionary<string, string> files)
    {
        System.Text.Json.JsonElement children = node.GetProperty("Children");
        if (children.ValueKind == System.Text.Json.JsonValueKind.Null)
        {
            files.Add(node.GetProperty("Path").GetString()!, node.GetProperty("Value").GetString()!);
            return;
        }

        foreach (System.Text.Json.JsonProperty child in children.EnumerateObject())
            Flatten(child.Value, files);
    }

    private static byte[] RevisionKey(long main)
    {
        var key = new byte[StateBuckets.RevisionBytes];
        StateBuckets.WriteRevision(key, new Revision(main, 0), isTombstone: false);
        return key;
    }

    private static byte[] Rewrite(byte[] file, Action<BucketTable> change)
    {
        var reader = new BoltReader(new MemoryStream(file));
        var table = new BucketTable();
        foreach (string bucket in reader.Buckets)
        {
            table.Add(bucket);
            BoltCursor cursor = reader.Open(bucket)!;
            while (cursor.MoveNext())
                table.Set(bucket, cursor.Key.ToArray(), cursor.Value.ToArray());
        }

        change(table);
        var output = new MemoryStream();
        new BoltWriter(table.ToBuckets()).WriteTo(output);
        return output.ToArray();
    }

    private static List<string> Keys(BoltReader reader, string bucket)
    {
        var keys = new List<string>();
        BoltCursor cursor = reader.Open(bucket)!;
        while (cursor.MoveNext())
            keys.Add(bucket == "key" ? Convert.ToHexString(cursor.Key) : Encoding.ASCII.GetString(cursor.Key));

        return keys;
    }

    private static List<string> Describe(BoltReader reader)
    {
        var lines = new List<string>();
        foreach (string bucket in reader.Buckets)
        {
            BoltCursor cursor = reader.Open(bucket)!;
            while (cursor.MoveNext())
                lines.Add($"{bucket} {Show(cursor.Key)}={Show(cursor.Value)}");
        }

        return lines;
    }

    private static string Show(ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes)
        {
            if (b is < 0x20 or > 0x7e)
                return Convert.ToHexString(bytes);
        }

        return Encoding.ASCII.GetString(bytes);
    }
}
