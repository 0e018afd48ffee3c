using System.Globalization;
using System.Text;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply;
using Etcd.Server.Lease;
using Etcd.Server.Membership;
using Etcd.Server.Node;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Storage;
using Etcd.Server.Wal;
using Etcd.TestKit;
using Etcd.TestKit.Disk;
using Google.Protobuf;

namespace Etcd.Server.Tests.Node;

/// <summary>
/// A whole member (raft, WAL, apply, store, leases) on a disk that crashes: whatever was acknowledged is there afterwards, and
/// what is there was asked for. Method: seeded runs of puts and deletes in batches; the machine fails at a random
/// operation of the disk, losing and tearing what was not synced; the member starts again on what is left, again and again.
/// ETCD_TEST_SEED repeats one seed. Covers ledger #14370 (a single member acknowledged before its sync) and #13766 (index
/// and data apart): both would show as a lost or foreign value here.
/// </summary>
public sealed class MemberCrashTests
{
    private const int Seeds = 60;
    private const int LivesPerSeed = 5;
    private const string Folder = "/m";

    public static TheoryData<int> AllSeeds =>
        Environment.GetEnvironmentVariable("ETCD_TEST_SEED") is { } one
            ? [int.Parse(one, CultureInfo.InvariantCulture)]
            : [.. Enumerable.Range(1, Seeds)];

    [Theory]
    [MemberData(nameof(AllSeeds))]
    public void NothingAcknowledgedIsLostAndNothingAppearsThatWasNotAsked(int seed)
    {
        var random = new Random(seed);
        var model = new Dictionary<string, Possible>(StringComparer.Ordinal);
        var disk = new SimDisk(new SimDiskOptions { Seed = seed });
        disk.CreateDirectory(Folder);
        disk.SyncDirectory("/");
        MemberRecovery.Open(disk, Folders, Birth, Options).Dispose();
        for (int life = 0; life < LivesPerSeed; life++)
        {
            disk = disk.Crash(
                random.Next(3) switch { 0 => CrashKind.NothingUnsynced, 1 => CrashKind.EverythingUnsynced, _ => CrashKind.Torn },
                new SimDiskOptions { Seed = random.Next(), CrashAtOperation = random.Next(10, 200) });
            try
            {
                var member = new SimMember(disk, checkpointEntries: random.Next(3, 40));
                member.Compare(model, $"seed {seed}, life {life}");
                for (int batch = 0; batch < 40; batch++)
                {
                    member.Write(random, model, $"{life}.{batch}");
                }
            }
            catch (SimulatedCrashException)
            {
                // The next life begins with what survived.
            }
        }

        var last = new SimMember(disk.Crash(CrashKind.NothingUnsynced), checkpointEntries: 10);
        last.Compare(model, $"seed {seed}, the end");
    }

    private static MemberFolders Folders { get; } = new(Folder + "/wal", Folder + "/snap");

    private static MemberBirth Birth { get; } =
        new(new MemberId(1), 7, [new Etcd.Server.Membership.Member(new MemberId(1), ["http://m:2380"], IsLearner: false, "m", [])]);

    private static WalOptions Options { get; } = new() { SegmentBytes = 16 * 1024 };

    /// <summary>What a key may hold: the last acknowledged value, or any that was asked for since.</summary>
    private sealed class Possible
    {
        public HashSet<string?> Values { get; } = [null];
    }

    private sealed class SimMember
    {
        private readonly MvccStore _store;
        private readonly MemberNode _node;
        private readonly QueuedCompletions _answers = new();

        public SimMember(SimDisk disk, int checkpointEntries)
        {
            RecoveredMember found = MemberRecovery.Open(disk, Folders, Birth, Options);
            _store = new MvccStore(found.Store);
            var clock = new FakeTimeProvider();
            var leases = new LeaseManager(clock);
            var cluster = new ClusterState(found.ClusterId);
            var machine = new StateMachine(_store, leases, cluster) { Checkpoints = new CheckpointOptions { Entries = checkpointEntries } };
            found.InstallInto(machine);
            _node = new MemberNode(new MemberParts
            {
                Raft = new RaftNode(new RaftOptions { Id = found.Id, Random = static _ => 0 }, found.Log),
                Log = new Log(found.Wal),
                Snapshots = new SnapshotStore(found.Snapshots),
                AppliedTerm = found.Log.Snapshot?.Term ?? default,
                Machine = machine,
                State = machine,
                Cluster = cluster,
                Leases = leases,
                Peers = new RecordingPeers([]),
                Completions = _answers,
                Ids = new RequestIds(found.Id, DateTimeOffset.UnixEpoch.AddMilliseconds(found.Log.Applied.Value + (ulong)found.Log.Entries.Count)),
                Clock = clock,
            });
            var release = new LogRelease(disk, found.Wal, segmentsMax: 1);
            _store.CheckpointDurable = mark => release.OnCheckpoint(mark.Index, _node);
            _node.Start();
            Drain();
        }

        public void Compare(Dictionary<string, Possible> model, string where)
        {
            foreach ((string key, Possible possible) in model)
            {
                string? value = _store.TryGet(Encoding.UTF8.GetBytes(key), out ReadOnlyMemory<byte> record, out _)
                    ? Encoding.UTF8.GetString(KeyValueFields.Parse(record.Span).Value)
                    : null;
                Assert.True(
                    possible.Values.Contains(value),
                    $"{where}: {key} holds {value ?? "nothing"}, which is neither acknowledged nor asked for since");
                // What was seen once after a restart stays: a later restart may not take it back.
                possible.Values.Clear();
                possible.Values.Add(value);
            }
        }

        public void Write(Random random, Dictionary<string, Possible> model, string value)
        {
            List<(Possible Key, string? Value, Task<ApplyOutcome> Answer)> asked = [];
            for (int i = random.Next(1, 8); i > 0; i--)
            {
                string key = "k" + random.Next(12);
                string? wanted = random.Next(4) == 0 ? null : $"{value}.{i}.{new string('x', random.Next(400))}";
                if (!model.TryGetValue(key, out Possible? possible))
                {
                    model[key] = possible = new Possible();
                }

                possible.Values.Add(wanted);
                asked.Add((possible, wanted, _node.ProposeAsync(Command(key, wanted))));
            }

            Drain();
            foreach ((Possible possible, string? wanted, Task<ApplyOutcome> answer) in asked)
            {
                Assert.True(answer.IsCompletedSuccessfully);
                possible.Values.Clear();
                possible.Values.Add(wanted);
            }
        }

        private static RaftCommand Command(string key, string? value) => value is null
            ? RaftCommand.Create(RaftCommandKind.DeleteRange, new DeleteRangeRequest { Key = ByteString.CopyFromUtf8(key) }.ToByteArray())
            : RaftCommand.Create(
                RaftCommandKind.Put,
                new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFromUtf8(value) }.ToByteArray());

        private void Drain()
        {
            while (_node.RunLogOnce() || _node.RunApplyOnce() == TimeSpan.Zero || _store.RunDiskOnce() || _answers.Run())
            {
            }

            if (_node.Failed.Exception?.GetBaseException() is { } failure)
            {
                throw failure;
            }
        }

        /// <summary>The WAL without its idle work, which would take all the operations up to the crash.</summary>
        private sealed class Log(WriteAheadLog wal) : ILogStore
        {
            public void Append(HardState? hardState, ReadOnlySpan<Entry> entries) => wal.Append(hardState, entries);

            public void SaveSnapshot(Snapshot snapshot) =>
                wal.SaveSnapshotMarker(new WalSnapshotMark(snapshot.Index, snapshot.Term, snapshot.Configuration));

            public void Sync() => wal.Sync();

            public bool PrepareAhead() => false;
        }
    }
}
