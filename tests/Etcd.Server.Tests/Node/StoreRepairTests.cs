using System.Globalization;
using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;
using Etcd.TestKit.Disk;
using Google.Protobuf;

namespace Etcd.Server.Tests.Node;

/// <summary>
/// Goal: a member whose store is damaged gets the state of another one without a change of its log, serves nothing wrong meanwhile,
/// and may crash at any moment. Method: members on simulated disks; a bit is flipped in a file of records that are in no member's memory.
/// </summary>
public sealed class StoreRepairTests
{
    private const int Keys = 40;

    public static TheoryData<CrashKind> Kinds => [CrashKind.NothingUnsynced, CrashKind.EverythingUnsynced, CrashKind.Torn];

    [Fact]
    public void AFollowerIsMendedWhileOthersWrite()
    {
        TestCluster cluster = Start(out TestMember damaged);
        FlipRecords(damaged);
        Assert.Throws<StoreException>(() => ReadAll(damaged));
        Assert.True(damaged.Store.IsDamaged);
        Assert.False(damaged.Node.IsDamaged);
        string[] before = Segments(damaged);
        Task<bool> mended = damaged.TakeStateOf(cluster.Leader!, meanwhile: () => Write(cluster, "meanwhile"));
        cluster.Run();
        Assert.True(Ended(mended));
        Assert.False(damaged.Store.IsDamaged);
        AssertEqual(cluster);
        Assert.Empty(before.Intersect(Segments(damaged)));
        Restart(cluster, damaged);
        Assert.Null(damaged.Damage);
        AssertEqual(cluster);
    }

    [Fact]
    public void ALeaderThatHasHandedOverIsMended()
    {
        TestCluster cluster = Start(out _);
        TestMember damaged = cluster.Leader!;
        Restart(cluster, damaged);
        FlipRecords(damaged);
        TestMember other = cluster.Members.Values.First(m => m != damaged);
        _ = damaged.Node.TransferLeadershipAsync(other.Id, TimeSpan.FromSeconds(5));
        cluster.Tick(5);
        Assert.NotEqual(damaged, cluster.Elect());
        Task<bool> mended = damaged.TakeStateOf(cluster.Leader!);
        cluster.Run();
        Assert.True(Ended(mended));
        AssertEqual(cluster);
    }

    [Fact]
    public void AnEntryThatMeetsTheDamageIsPassedOverAndNothingElseIsLost()
    {
        TestCluster cluster = Start(out TestMember damaged);
        FlipRecords(damaged);
        LogIndex applied = damaged.Node.Applied;
        long revision = damaged.Store.CurrentRevision;
        // A change before it in the same batch, and one behind it.
        Write(cluster, "before", run: false);
        _ = cluster.Leader!.Node.ProposeAsync(RaftCommand.Create(RaftCommandKind.DeleteRange, new DeleteRangeRequest
        {
            Key = ByteString.CopyFromUtf8("cold"),
            RangeEnd = ByteString.CopyFromUtf8("cole"),
            PrevKv = true,
        }.ToByteArray()));
        Write(cluster, "behind");
        Assert.True(damaged.Node.IsDamaged);
        Assert.True(damaged.Node.Applied >= applied);
        Assert.True(damaged.Node.Applied < cluster.Leader.Node.Applied);
        Assert.InRange(damaged.Store.CurrentRevision, revision, revision + 1);

        // Nothing is promised that this member could not show.
        Task<ApplyOutcome> refused = damaged.Put("refused");
        Assert.Equal(EtcdErrors.Corrupt, Assert.IsType<EtcdErrorException>(refused.Exception?.InnerException).Error);
        Task reading = damaged.Node.LinearizeAsync(CancellationToken.None).AsTask();
        Assert.True(reading.IsFaulted);
        Assert.NotNull(cluster.Leader!.Get("behind"));

        Task<bool> mended = damaged.TakeStateOf(cluster.Leader!);
        cluster.Run();
        Assert.True(Ended(mended));
        Assert.False(damaged.Node.IsDamaged);
        AssertEqual(cluster);
        Write(cluster, "later");
        AssertEqual(cluster);
        Restart(cluster, damaged);
        AssertEqual(cluster);
    }

    [Fact]
    public void ChangesOfTheMembershipThatArePassedOverAreKnownToRaft()
    {
        TestCluster cluster = Start(out TestMember damaged);
        FlipRecords(damaged);
        Break(cluster);
        Assert.True(damaged.Node.IsDamaged);
        Task<ApplyOutcome> added = cluster.Leader!.Node.ProposeConfChangeAsync(
            ConfChangeCommand.Add(TestCluster.NewMember(4, isLearner: true)));
        cluster.Tick(2);
        Assert.True(added.IsCompletedSuccessfully);
        Task<bool> mended = damaged.TakeStateOf(cluster.Leader!);
        cluster.Run();
        Assert.True(Ended(mended));
        Assert.Equal(4, damaged.State.Current.Members.Count);
        Assert.Contains(damaged.Peers, p => p.Member == new MemberId(4));
        // As leader it would send to the learner, whom only raft's own configuration names.
        _ = cluster.Leader!.Node.TransferLeadershipAsync(damaged.Id, TimeSpan.FromSeconds(5));
        cluster.Tick(5);
        Assert.Equal(damaged, cluster.Elect());
        Assert.Contains(ProgressOf(damaged), p => p.Member == new MemberId(4) && p.IsLearner);
    }

    [Fact]
    public void ASnapshotOfTheLeaderMendsAsWell()
    {
        TestCluster cluster = Start(out TestMember damaged);
        FlipRecords(damaged);
        Break(cluster);
        Assert.True(damaged.Node.IsDamaged);
        cluster.Isolate(damaged);
        for (int i = 0; i < 3 * TestCluster.CatchUpEntries; i++)
        {
            Write(cluster, $"away{i}");
        }

        cluster.Heal();
        cluster.Tick(20);
        Assert.Equal(1, damaged.SnapshotsInstalled);
        Assert.False(damaged.Node.IsDamaged);
        Assert.False(damaged.Store.IsDamaged);
        AssertEqual(cluster);
    }

    [Fact]
    public void ADamagedMemberGivesItsStateToNobody()
    {
        TestCluster cluster = Start(out TestMember damaged);
        FlipRecords(damaged);
        Break(cluster);
        Task<Server.Io.ISnapshotContent> asked = damaged.Node.ExportAsync();
        cluster.Run();
        Assert.Equal(EtcdErrors.Corrupt, Assert.IsType<EtcdErrorException>(asked.Exception?.InnerException).Error);
    }

    [Theory]
    [InlineData("index")]
    [InlineData("head")]
    [InlineData("missing")]
    public void AMemberWhoseStoreCannotBeOpenedVotesAndIsMended(string damage)
    {
        TestCluster cluster = Start(out TestMember damaged);
        Write(cluster, "since the checkpoint");
        damaged.Crash();
        Damage(damaged, damage);
        // A quorum needs its vote.
        TestMember down = cluster.Members.Values.First(m => m != damaged && m != cluster.Leader);
        TestMember up = cluster.Members.Values.First(m => m != damaged && m != down);
        down.Crash();
        cluster.Tick(30);
        damaged.Boot();
        Assert.Equal(StoreError.Corrupt, damaged.Damage!.Error);
        Assert.True(damaged.Node.IsDamaged);
        Assert.Equal(2, damaged.Peers.Count);
        Assert.Null(damaged.Get("cold1"));
        cluster.Tick(40);
        TestMember leader = cluster.Elect();
        if (leader == damaged)
        {
            // It may be elected, and cannot apply what it commits: the other one takes over before it is mended.
            _ = damaged.Node.TransferLeadershipAsync(up.Id, TimeSpan.FromSeconds(5));
            cluster.Tick(5);
        }

        Assert.Equal(up, cluster.Elect());
        Task<ApplyOutcome> put = up.Put("with its vote");
        cluster.Tick(2);
        Assert.True(put.IsCompletedSuccessfully);
        Task<bool> mended = damaged.TakeStateOf(up);
        cluster.Run();
        Assert.True(Ended(mended));
        Assert.NotNull(damaged.Get("cold1"));
        Assert.NotNull(damaged.Get("with its vote"));
        down.Boot();
        cluster.Tick(20);
        AssertEqual(cluster);
        string[] files = Segments(damaged);
        Restart(cluster, damaged);
        Assert.Null(damaged.Damage);
        Assert.Equal(files, Segments(damaged));
        AssertEqual(cluster);
    }

    [Fact]
    public void AMemberThatIsAloneSaysWhatIsDamagedAndDoesNotStart()
    {
        var cluster = new TestCluster(1);
        Fill(cluster);
        TestMember alone = cluster[1];
        alone.Crash();
        Damage(alone, "index");
        StoreException found = Assert.Throws<StoreException>(alone.Boot);
        Assert.Equal(StoreError.Corrupt, found.Error);
        Assert.Contains(".seg' at position: ", found.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ACrashAtAnyOperationOfARepairLeavesTheDamagedStateOrTheNewOne(CrashKind kind)
    {
        bool crashed = true;
        int operation = 0;
        int damagedAgain = 0;
        for (; crashed; operation++)
        {
            Assert.True(operation < 300, "a repair ends");
            TestCluster cluster = Start(out TestMember damaged);
            FlipRecords(damaged);
            Break(cluster);
            damaged.Disk.CrashAtOperation = damaged.Disk.Operations + operation + 1;
            crashed = !Mends(cluster, damaged);
            damaged.Crash(kind);
            damaged.Boot();
            cluster.Tick(30);
            // The entry that met the damage is replayed and meets it again, or is in the new state.
            if (damaged.Node.IsDamaged)
            {
                damagedAgain++;
                Assert.True(crashed);
                Assert.True(Mends(cluster, damaged));
            }

            cluster.Tick(2);
            AssertEqual(cluster);
            Restart(cluster, damaged);
            Assert.Null(damaged.Damage);
            AssertEqual(cluster);
        }

        Assert.True(operation > 10, $"only {operation} operations were seen");
        Assert.True(damagedAgain > 2, $"only {damagedAgain} of {operation} crashes left the damaged state");
    }

    [Fact]
    public void AFullDiskUnderARepairLeavesTheDamagedStateUntilThereIsRoom()
    {
        TestCluster cluster = Start(out TestMember damaged, sizeOfValues: 400_000, keys: 24);
        FlipRecords(damaged);
        // The cold records stay: what is installed is more than what an import keeps in memory.
        Break(cluster, first: "cold7", last: "cold70");
        Task<bool> full = damaged.TakeStateOf(cluster.Leader!);
        damaged.Disk.CapacityBytes = damaged.Disk.UsedBytes + 100;
        cluster.Run();
        AggregateException failure = Assert.Throws<AggregateException>(() => Ended(full));
        Assert.Equal(Server.Io.FileSystemError.NoSpace, Assert.IsType<Server.Io.FileSystemException>(failure.InnerException).Error);
        Assert.True(damaged.Node.IsDamaged);
        Assert.True(damaged.IsUp);
        Assert.Equal(1, damaged.TimesFull);
        damaged.Disk.CapacityBytes = long.MaxValue;
        Assert.True(Mends(cluster, damaged));
        AssertEqual(cluster);
    }

    [Fact]
    public void AFullDiskUnderTheInstallOfASnapshotIsWaitedFor()
    {
        TestCluster cluster = Start(out _, sizeOfValues: 400_000, keys: 24);
        TestMember late = cluster.Members.Values.Last(m => m != cluster.Leader);
        late.Crash();
        for (int i = 0; i < 3 * TestCluster.CatchUpEntries; i++)
        {
            Write(cluster, $"away{i}");
        }

        // The state as it comes fits; what is made of it does not.
        late.Disk.CapacityBytes = late.Disk.UsedBytes + 12_000_000;
        late.Boot();
        cluster.Tick(20);
        Assert.Equal(1, late.SnapshotsInstalled);
        Assert.True(late.TimesFull > 0);
        Assert.True(late.IsUp);
        cluster.Tick(30);
        Assert.True(late.Node.Applied < cluster.Leader!.Node.Applied);
        late.Disk.CapacityBytes = long.MaxValue;
        cluster.Tick(15);
        AssertEqual(cluster);
        Restart(cluster, late);
        AssertEqual(cluster);
    }

    [Fact]
    public async Task ADefragmentationRightBehindAnInstallNeedsNoFurtherEntry()
    {
        TestCluster cluster = Start(out TestMember member);
        Task<bool> replaced = member.TakeStateOf(cluster.Leader!);
        member.Node.RunApplyOnce();
        Task done = member.Machine.DefragmentAsync();
        member.Node.ExpectMaintenance();
        LogIndex last = member.Node.Committed;
        cluster.Run();
        Assert.True(await replaced);
        Assert.True(done.IsCompletedSuccessfully);
        Assert.Equal(last, member.Node.Committed);
        Assert.Equal(last.Value, member.Recovered.Store.Mark!.Value.Index.Value);
    }

    [Fact]
    public void ADefragmentationOfAStoreInMemoryIsDoneAtOnce()
    {
        var store = new MvccStore();
        var machine = new StateMachine(store, new Server.Lease.LeaseManager(new Etcd.TestKit.FakeTimeProvider()), new Server.Membership.ClusterState(7));
        Assert.True(machine.DefragmentAsync().IsCompletedSuccessfully);
    }

    // What follows on it runs elsewhere.
    private static bool Ended(Task<bool> task) => task.Wait(TimeSpan.FromSeconds(60)) && task.Result;

    private static bool Mends(TestCluster cluster, TestMember damaged)
    {
        try
        {
            Task<bool> mended = damaged.TakeStateOf(cluster.Leader!);
            cluster.Run();
            return damaged.IsUp && Ended(mended);
        }
        catch (SimulatedCrashException)
        {
            return false;
        }
    }

    /// <summary>Three members with cold records on their disks, which none has in memory.</summary>
    private static TestCluster Start(out TestMember follower, int sizeOfValues = 900, int keys = Keys)
    {
        var cluster = new TestCluster(3);
        Fill(cluster, sizeOfValues, keys);
        TestMember leader = cluster.Leader!;
        follower = cluster.Members.Values.First(m => m != leader);
        Restart(cluster, follower);
        return cluster;
    }

    private static void Fill(TestCluster cluster, int sizeOfValues = 900, int keys = Keys)
    {
        cluster.Elect();
        for (int i = 0; i < keys; i++)
        {
            cluster.Leader!.Put("cold" + i.ToString(CultureInfo.InvariantCulture), new string('c', sizeOfValues));
            cluster.Run();
        }

        // Those of the last checkpoint are in the log as well; a restart reads the earlier ones from the files only.
        for (int i = 0; i < TestCluster.CheckpointEntries + 1; i++)
        {
            Write(cluster, $"warm{i}");
        }

        cluster.Tick(2);
    }

    private static void Write(TestCluster cluster, string key, bool run = true)
    {
        cluster.Elect().Put(key, "value of " + key);
        if (run)
        {
            cluster.Run();
        }
    }

    /// <summary>Has an entry applied that needs every cold record.</summary>
    private static void Break(TestCluster cluster, string first = "cold", string last = "cole")
    {
        _ = cluster.Leader!.Node.ProposeAsync(RaftCommand.Create(RaftCommandKind.DeleteRange, new DeleteRangeRequest
        {
            Key = ByteString.CopyFromUtf8(first),
            RangeEnd = ByteString.CopyFromUtf8(last),
            PrevKv = true,
        }.ToByteArray()));
        cluster.Tick(2);
    }

    private static void Restart(TestCluster cluster, TestMember member)
    {
        member.Crash();
        member.Boot();
        cluster.Elect();
        cluster.Tick(3);
    }

    private static string[] Segments(TestMember member) =>
        [.. member.Disk.List(TestMember.Folders.Store).Where(n => n.EndsWith(".seg", StringComparison.Ordinal))];

    private static IReadOnlyList<MemberProgress> ProgressOf(TestMember member) => member.Node.ProgressAsync().Result;

    // Wherever the record stands: what a later run has in its place counts no more than the rest.
    private static void FlipRecords(TestMember member)
    {
        foreach (string name in Segments(member))
        {
            string path = TestMember.Folders.Store + "/" + name;
            byte[] bytes = member.Disk.ReadAll(path);
            for (int at = bytes.AsSpan().IndexOf("cold7"u8); at >= 0 && at + 60 < bytes.Length;)
            {
                member.Disk.FlipBits(path, at + 50, 2);
                int next = bytes.AsSpan(at + 1).IndexOf("cold7"u8);
                at = next < 0 ? -1 : at + 1 + next;
            }
        }
    }

    private static void Damage(TestMember member, string damage)
    {
        // A file that had lost its name may be back.
        foreach (string name in Segments(member))
        {
            string path = TestMember.Folders.Store + "/" + name;
            switch (damage)
            {
                case "index":
                    member.Disk.FlipBits(path, member.Disk.ReadAll(path).Length - 3, 2);
                    break;
                case "head":
                    member.Disk.FlipBits(path, 3, 2);
                    break;
                default:
                    member.Disk.DeleteFile(path);
                    break;
            }
        }
    }

    private static void ReadAll(TestMember member) =>
        member.Store.Range(new RangeQuery { Key = "cold"u8, RangeEnd = "cole"u8 }, new RangeResult());

    private static void AssertEqual(TestCluster cluster)
    {
        TestMember leader = cluster.Leader!;
        leader.Store.HashKv(0, out HistoryHash expected, out long revision);
        foreach (TestMember member in cluster.Members.Values)
        {
            member.Store.HashKv(0, out HistoryHash hash, out long own);
            Assert.Equal((leader.Node.Applied, revision, expected), (member.Node.Applied, own, hash));
        }
    }
}
