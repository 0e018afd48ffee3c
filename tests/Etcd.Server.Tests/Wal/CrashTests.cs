using Etcd.Server.Io;
using Etcd.Server.Raft;
using Etcd.Server.Wal;
using Etcd.TestKit.Disk;

namespace Etcd.Server.Tests.Wal;

/// <summary>
/// Whatever happens to the machine between two calls to the disk: the log opens again without help, and it holds a prefix of
/// what was appended that goes at least as far as the last sync that returned. Method: a random but repeatable run of
/// everything a member does with its log, in which the power fails (or a sync fails, or the space runs out) at each
/// operation in turn. WAL_CRASH_SEEDS sets how many runs are tried.
/// Covers ledger #14370: a single member acknowledges nothing that is not on the disk.
/// </summary>
public sealed class CrashTests : WalTest
{
    private static readonly CrashKind[] Kinds = [CrashKind.NothingUnsynced, CrashKind.EverythingUnsynced, CrashKind.Torn, CrashKind.Torn, CrashKind.Torn];

    private static int Seeds => int.Parse(Environment.GetEnvironmentVariable("WAL_CRASH_SEEDS") ?? "8", null);

    [Fact]
    public void A_power_failure_at_any_operation_loses_nothing_that_was_synced()
    {
        for (int seed = 1; seed <= Seeds; seed++)
        {
            SimDisk whole = new(new SimDiskOptions { Seed = seed });
            new Run(whole, seed).Go();
            for (long at = 1; at <= whole.Operations; at++)
            {
                foreach (CrashKind kind in Kinds)
                {
                    SimDisk disk = new(new SimDiskOptions { Seed = seed + (int)at, CrashAtOperation = at });
                    Run run = new(disk, seed);
                    Assert.Throws<SimulatedCrashException>(run.Go);
                    run.AssertRecovers(disk.Crash(kind), $"seed {seed}, operation {at}, {kind}");
                }
            }
        }
    }

    [Fact]
    public void A_failed_sync_ends_the_log_and_loses_nothing_that_was_synced()
    {
        for (int seed = 1; seed <= Seeds; seed++)
        {
            SimDisk whole = new(new SimDiskOptions { Seed = seed });
            new Run(whole, seed).Go();
            for (long at = 1; at <= whole.Operations; at++)
            {
                SimDisk disk = new(new SimDiskOptions { Seed = seed + (int)at, FailSyncAtOperation = at });
                Run run = new(disk, seed);
                if (Record.Exception(run.Go) is { } failure)
                {
                    Assert.Equal(FileSystemError.Device, Assert.IsType<FileSystemException>(failure).Error);
                    run.AssertUnusable();
                    run.AssertRecovers(disk.Crash(CrashKind.Torn), $"seed {seed}, failed sync at {at}");
                }
            }
        }
    }

    [Fact]
    public void A_full_disk_ends_the_log_and_loses_nothing_that_was_synced()
    {
        for (int seed = 1; seed <= Seeds; seed++)
        {
            int failures = 0;
            for (long capacity = 0; capacity < 12 * Options.SegmentBytes; capacity += 331)
            {
                SimDisk disk = new(new SimDiskOptions { Seed = seed, CapacityBytes = capacity });
                Run run = new(disk, seed);
                if (Record.Exception(run.Go) is { } failure)
                {
                    failures++;
                    Assert.Equal(FileSystemError.NoSpace, Assert.IsType<FileSystemException>(failure).Error);
                    run.AssertUnusable();
                    disk.KillProcess();
                    run.AssertRecovers(disk.Crash(CrashKind.EverythingUnsynced), $"seed {seed}, capacity {capacity}");
                }
            }

            Assert.True(failures > 10);
        }
    }

    /// <summary>
    /// A process that is killed leaves what it wrote in the page cache. Who opens the log after it takes that for durable,
    /// so it must be when opening returns, or the next power failure takes back what was read.
    /// </summary>
    [Fact]
    public void What_was_read_on_opening_survives_the_next_power_failure()
    {
        for (int seed = 1; seed <= Seeds; seed++)
        {
            SimDisk disk = new(new SimDiskOptions { Seed = seed });
            WriteAheadLog wal = Create(disk);
            wal.Append(State(1, 0), [NewEntry(1, data: new string('x', 5000)), NewEntry(2)]);
            disk.KillProcess();
            WalOpenResult opened = Open(disk);
            AssertSame(opened.Entries, Open(disk.Crash(CrashKind.NothingUnsynced)).Entries);
        }
    }

    /// <summary>One run: what it appended, record by record, and how many of those were acknowledged.</summary>
    private sealed class Run(SimDisk disk, int seed)
    {
        private readonly Random _random = new(seed);
        private readonly List<object> _records = [];
        private int _synced = -1;
        private WriteAheadLog? _wal;
        private ulong _term = 1;
        private ulong _commit;
        private List<Entry> _log = [];
        private ulong _snapshot;

        private ulong Last => _log.Count == 0 ? _snapshot : _log[^1].Index.Value;

        public void Go()
        {
            _wal = Create(disk);
            _synced = 0;
            for (int step = 0; step < 40; step++)
            {
                Step(_random.Next(13));
            }

            _wal.Close();
            _synced = _records.Count;
        }

        public void AssertUnusable()
        {
            // A failure while creating, opening or preparing leaves no log that could be used.
            if (_wal is not null && _records.Count > 0)
            {
                Exception? failure = Record.Exception(() => _wal.Append(null, []));
                Assert.True(failure is InvalidOperationException or null);
            }
        }

        public void AssertRecovers(SimDisk survivor, string where)
        {
            if (!WriteAheadLog.Exists(survivor, Dir))
            {
                Assert.True(_synced < 0, "the log is gone: " + where);
                CreateAgain(survivor);
                return;
            }

            try
            {
                WalSnapshotMark from = WriteAheadLog.ValidSnapshots(survivor, Dir)[^1];
                WalOpenResult opened = Open(survivor, from);
                string found = Describe(opened);
                Assert.True(AcceptableFrom(from).Contains(found), $"not what was appended: {where}\n{found}");
                AssertGoesOn(survivor, opened, from, where);
            }
            catch (WalException e)
            {
                Assert.Fail($"refused: {where}: {e}");
            }
        }

        private static void CreateAgain(SimDisk survivor)
        {
            Create(survivor).Close();
            Assert.Empty(Open(survivor).Entries);
        }

        /// <summary>What the recovered log holds, and what is added now, survives the next failure of any kind.</summary>
        private void AssertGoesOn(SimDisk survivor, WalOpenResult opened, WalSnapshotMark from, string where)
        {
            ulong next = opened.Log.LastIndex.Value + 1;
            opened.Log.Append(null, [NewEntry(next, _term + 1)]);
            opened.Log.Sync();
            WalOpenResult again = Open(survivor.Crash(CrashKind.Torn), from);
            Assert.True(again.Repair is null, "repaired again: " + where);
            AssertSame([.. opened.Entries, NewEntry(next, _term + 1)], again.Entries);
            Assert.Equal(opened.HardState, again.HardState);
        }

        private void Step(int choice)
        {
            switch (choice)
            {
                case < 5:
                    AppendEntries(_random.Next(1, 5));
                    break;
                case < 8:
                    Sync();
                    break;
                case 8:
                    Commit();
                    break;
                case 9:
                    Overwrite();
                    break;
                case 10:
                    Snapshot();
                    break;
                case 11:
                    ReceiveSnapshot();
                    break;
                default:
                    Idle();
                    break;
            }
        }

        private void AppendEntries(int count)
        {
            Entry[] entries = new Entry[count];
            for (int i = 0; i < count; i++)
            {
                string data = new((char)('a' + _random.Next(26)), _random.Next(8) == 0 ? _random.Next(3000) : _random.Next(200));
                entries[i] = NewEntry(Last + 1, _term, data);
                _log.Add(entries[i]);
                _records.Add(entries[i]);
            }

            HardState state = State(_term, _commit);
            _records.Add(state);
            _wal!.Append(state, entries);
        }

        private void Commit()
        {
            _commit = Last;
            HardState state = State(_term, _commit);
            _records.Add(state);
            _wal!.Append(state, []);
        }

        /// <summary>Another leader replaces what is not committed.</summary>
        private void Overwrite()
        {
            _term++;
            if (Last > _commit)
            {
                _log.RemoveAll(entry => entry.Index.Value > _commit);
            }

            AppendEntries(1);
        }

        private void Sync()
        {
            _wal!.Sync();
            _synced = _records.Count;
        }

        private void Snapshot()
        {
            Commit();
            WalSnapshotMark mark = Mark(_commit, _log.Count == 0 ? 1 : _log[^1].Term.Value);
            if (_log.Count == 0)
            {
                return;
            }

            _snapshot = _commit;
            _log = [];
            _records.Add(mark);
            _wal!.SaveSnapshotMarker(mark);
            _synced = _records.Count;
            _wal.ReleaseLockTo(mark.Index);
            WalPurge.RunOnce(disk, Dir, 2);
        }

        /// <summary>A leader of a later term sends a snapshot that goes beyond what is committed here.</summary>
        private void ReceiveSnapshot()
        {
            _term++;
            _snapshot = _commit + (ulong)_random.Next(1, 4);
            _commit = _snapshot;
            _log = [];
            WalSnapshotMark mark = Mark(_snapshot, _term);
            _records.Add(mark);
            _wal!.SaveSnapshotMarker(mark);
            HardState state = State(_term, _commit);
            _records.Add(state);
            _wal.Append(state, []);
            Sync();
        }

        private void Idle()
        {
            if (_random.Next(2) == 0)
            {
                _wal!.RunOnce();
                return;
            }

            _wal!.Close();
            _synced = _records.Count;
            IReadOnlyList<WalSnapshotMark> marks = WriteAheadLog.ValidSnapshots(disk, Dir);
            _wal = Open(disk, marks[^1]).Log;
        }

        private HashSet<string> AcceptableFrom(WalSnapshotMark from)
        {
            HashSet<string> acceptable = [];
            for (int count = Math.Max(_synced, 0); count <= _records.Count; count++)
            {
                acceptable.Add(Describe(After(count, from)));
            }

            return acceptable;
        }

        private (HardState State, List<Entry> Entries) After(int count, WalSnapshotMark from)
        {
            HardState state = default;
            List<Entry> entries = [];
            foreach (object record in _records.Take(count))
            {
                if (record is Entry entry)
                {
                    entries.RemoveAll(old => old.Index >= entry.Index);
                    entries.Add(entry);
                }
                else if (record is WalSnapshotMark mark && !entries.Any(old => (old.Index, old.Term) == (mark.Index, mark.Term)))
                {
                    entries.Clear();
                }
                else if (record is HardState next)
                {
                    state = next;
                }
            }

            entries.RemoveAll(entry => entry.Index <= from.Index);
            return (state, entries);
        }

        private static string Describe(WalOpenResult opened) => Describe((opened.HardState, opened.Entries));

        private static string Describe((HardState State, List<Entry> Entries) content) =>
            content.State + "\n" + string.Join('\n', content.Entries.Select(WalTest.Describe));
    }
}
