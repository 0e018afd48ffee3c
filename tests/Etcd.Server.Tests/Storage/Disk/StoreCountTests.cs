using System.Globalization;
using System.Text;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.TestKit.Disk;

namespace Etcd.Server.Tests.Storage.Disk;

/// <summary>
/// Goal: counts and ranges of a store on disk are those of the plain model, at the current revision and at older ones, whatever was compacted,
/// copied and restarted in between. Method: random transactions, compactions, checkpoints, defragmentation and restarts; after a restart the index
/// is one that was built from the files at once, and what follows changes it as any other.
/// </summary>
public sealed class StoreCountTests
{
    [Fact]
    public void Few_keys() => TestSeed.ForEach(10, random =>
    {
        using var life = new Life(random, keys: 30);
        life.Run(steps: 400);
    });

    [Fact]
    public void Keys_of_several_levels_of_the_tree() => TestSeed.ForEach(2, random =>
    {
        using var life = new Life(random, keys: 20_000);
        life.Run(steps: 60, changesMax: 900);
    });

    /// <summary>A store, its model, and what is done to both.</summary>
    private sealed class Life(Random random, int keys) : IDisposable
    {
        private readonly SimDisk _disk = new();
        private readonly NaiveStore _model = new();
        private readonly RangeResult _result = new();
        private DiskRig _rig = null!;

        public void Dispose() => _rig.Dispose();

        public void Run(int steps, int changesMax = 5)
        {
            _rig = new DiskRig(_disk);
            for (int step = 1; step <= steps; step++)
            {
                Change(random.Next(1, changesMax));
                _rig.Applied = (ulong)step;
                switch (random.Next(12))
                {
                    case 0:
                        Compact();
                        break;
                    case 1:
                        _rig.Store.Defragment();
                        break;
                    case < 4:
                        _rig.Checkpoint();
                        break;
                    case 4:
                        Restart();
                        break;
                }

                for (int more = random.Next(8); more > 0; more--)
                    _rig.Step();

                for (int i = 0; i < 4; i++)
                    Compare();
            }

            Restart();
            for (int i = 0; i < 40; i++)
                Compare();
        }

        private void Change(int changes)
        {
            _model.Begin();
            WriteTxn txn = _rig.Store.Begin();
            for (; changes > 0; changes--)
            {
                string key = Key();
                if (random.Next(10) < 7)
                {
                    string value = new('v', random.Next(40));
                    _model.Put(key, value, 0);
                    txn.Put(Bytes(key), Bytes(value), LeaseId.None);
                }
                else
                {
                    Assert.Equal(_model.DeleteRange(key, null).Count, txn.DeleteRange(Bytes(key), default));
                }
            }

            _model.End();
            Assert.Equal(_model.Revision, txn.End());
            _rig.Store.Publish();
        }

        private void Compact()
        {
            long revision = random.NextInt64(Math.Max(0, _model.CompactRevision), _model.Revision + 1);
            Assert.Equal(_model.Compact(revision), _rig.Store.Compact(revision));
            _rig.Store.Publish();
        }

        // All that was done is in the checkpoint, and nothing is to be applied again.
        private void Restart()
        {
            _rig.Checkpoint();
            _disk.KillProcess();
            _rig = new DiskRig(_disk);
        }

        private void Compare()
        {
            (string key, string? end) = random.Next(4) switch
            {
                0 => ("\0", "\0"),
                1 => (Key(), "\0"),
                2 => (Key(), null),
                _ => (Key(), Key()),
            };
            long revision = random.Next(2) == 0 ? 0 : random.NextInt64(Math.Max(1, _model.CompactRevision), _model.Revision + 1);
            var expected = _model.Range(key, end, revision, 0, RangeSortOrder.None, RangeSortTarget.Key, [0, 0, 0, 0]);
            var query = new RangeQuery { Key = Bytes(key), RangeEnd = end is null ? [] : Bytes(end), Revision = revision };
            Assert.Equal(expected.Status, _rig.Store.Range(query with { CountOnly = true }, _result));
            Assert.True(expected.Count == _result.Count, $"{_result.Count} keys in {key}..{end} at {revision}, not {expected.Count}");
            Assert.Equal(0, _result.Kvs.Length);
            Assert.Equal(expected.Status, _rig.Store.Range(query with { Limit = 7 }, _result));
            Assert.True(expected.Count == _result.Count, $"{_result.Count} keys in {key}..{end} at {revision} behind a limit, not {expected.Count}");
            Assert.Equal(expected.Status, _rig.Store.Range(query, _result));
            Assert.Equal(expected.Count, _result.Count);
            Assert.Equal(expected.Kvs.Count, _result.Kvs.Length);
            for (int i = 0; i < expected.Kvs.Count; i++)
                Assert.True(_result.Kvs[i].Span.SequenceEqual(NaiveStore.Encode(expected.Kvs[i])), $"record {i} of {key}..{end} at {revision}");
        }

        // Of several lengths, some the beginning of others.
        private string Key()
        {
            int number = random.Next(keys);
            string text = "key/" + number.ToString("d5", CultureInfo.InvariantCulture);
            return (number % 5) switch
            {
                0 => text[..^1] + "/a/rather/long/end/" + text,
                1 => text[..6] + number.ToString(CultureInfo.InvariantCulture),
                _ => text,
            };
        }

        private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);
    }
}
