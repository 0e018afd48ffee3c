using System.Globalization;
using System.Text;
using Etcd.Server.Io.Os;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Etcd.Server.Storage.Disk;

namespace Etcd.Server.Tests.Storage.Disk;

/// <summary>
/// Readers are right at every moment while a writer goes on, checkpoints are written, compactions run, and files are copied, deleted and
/// closed. Method: real threads and a real disk; each value names its key and its number, so that whatever a reader gets can be checked.
/// </summary>
public sealed class StoreThreadsTests
{
    private const int Keys = 150;
    private const int Writes = 4000;
    private const int ValueBytes = 3000;

    [Fact]
    public async Task ReadersAreRightWhileFilesComeAndGo()
    {
        DirectoryInfo root = Directory.CreateTempSubdirectory("etcd-store-");
        try
        {
            using StoreFolder folder = StoreFolder.Open(OsFileSystem.Instance, Path.Combine(root.FullName, "store"), syncs: false);
            folder.Begin(1, new MemberId(1));
            var store = new MvccStore(folder);
            using var stop = new CancellationTokenSource();
            var reads = new long[2];
            Task disk = OnItsOwnThread(() => RunDisk(store, stop.Token));
            Task[] readers = [.. Enumerable.Range(0, reads.Length).Select(i => OnItsOwnThread(() => Read(store, i, ref reads[i], stop.Token)))];
            Task writer = OnItsOwnThread(() =>
            {
                // All are there before anything changes.
                Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref reads[0]) > 0 && Volatile.Read(ref reads[1]) > 0, TimeSpan.FromMinutes(1)));
                Write(store);
            });
            await Task.WhenAny([writer, disk, .. readers]);
            await stop.CancelAsync();
            await Task.WhenAll([writer, disk, .. readers]);
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    private static Task OnItsOwnThread(Action body) =>
        Task.Factory.StartNew(body, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static void RunDisk(MvccStore store, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            if (!store.RunDiskOnce())
                Thread.Yield();
        }
    }

    private static void Write(MvccStore store)
    {
        string filler = new('x', ValueBytes);
        for (int i = 0; i < Writes; i++)
        {
            string key = Name(i * 7 % Keys);
            store.Put(key, string.Create(CultureInfo.InvariantCulture, $"{key}={i}:{filler}"));
            if (i % 40 == 0 && !store.IsWriting)
                store.BeginCheckpoint(new CheckpointMark(new LogIndex((ulong)i + 1), new Term(1)), []);

            if (i % 300 == 299)
            {
                store.Compact(store.WorkingRevision - 100);
                store.Publish();
            }

            if (i % 500 == 499)
                store.Defragment();

            store.TakeDiskWork();
            store.RunOnce();
        }
    }

    private static void Read(MvccStore store, int seed, ref long reads, CancellationToken stop)
    {
        var random = new Random(seed);
        var result = new RangeResult();
        List<StoreEvent> events = [];
        while (!stop.IsCancellationRequested)
        {
            string key = Name(random.Next(Keys));
            if (store.TryGet(Encoding.ASCII.GetBytes(key), out ReadOnlyMemory<byte> record, out _))
                Check(record.Span, key);

            long revision = random.NextInt64(Math.Max(1, store.CompactRevision), store.CurrentRevision + 1);
            if (store.Range(new RangeQuery { Key = "k"u8, RangeEnd = "l"u8, Revision = revision }, result) == ReadStatus.Ok)
            {
                foreach (ReadOnlyMemory<byte> kv in result.Kvs)
                    Check(kv.Span, null);
            }

            events.Clear();
            if (store.ReadEvents(revision, 50, events, out _) == EventReadStatus.Ok)
            {
                foreach (StoreEvent e in events)
                    Check(e.KeyValue.Span, Encoding.ASCII.GetString(e.Key.Span));
            }

            Interlocked.Increment(ref reads);
        }
    }

    private static void Check(ReadOnlySpan<byte> record, string? key)
    {
        KeyValueFields fields = KeyValueFields.Parse(record);
        string found = Encoding.ASCII.GetString(fields.Key);
        string value = Encoding.ASCII.GetString(fields.Value);
        Assert.True(key is null || key == found, $"asked for {key}, got {found}");
        Assert.StartsWith(found + "=", value, StringComparison.Ordinal);
        int number = int.Parse(value[(found.Length + 1)..value.IndexOf(':', StringComparison.Ordinal)], CultureInfo.InvariantCulture);
        Assert.Equal(number + 2, fields.ModRevision);
        Assert.Equal(found, Name(number * 7 % Keys));
    }

    private static string Name(int number) => "k" + number.ToString("d3", CultureInfo.InvariantCulture);
}
