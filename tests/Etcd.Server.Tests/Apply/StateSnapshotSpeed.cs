using System.Diagnostics;
using Etcd.Server.Io;
using Etcd.Server.Io.Os;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Tests.Apply;

/// <summary>
/// Measures, when asked for (<c>-p:RunSettingsFilePath= --filter StateSnapshotSpeed</c>), what export and import of 1,000,000 keys of 256 bytes cost; the figures
/// stand in docs/bolt-format.md. Asserts nothing about time.
/// </summary>
public sealed class StateSnapshotSpeed(ITestOutputHelper output)
{
    private const int Keys = 1_000_000;

    [Fact]
    [Trait("Category", "Slow")]
    public void A_million_keys()
    {
        string path = Path.Combine(Path.GetTempPath(), $"snapshot-{Environment.ProcessId}.db");
        try
        {
            Measure(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private void Measure(string path)
    {
        var source = new StateBench();
        var value = new byte[256];
        for (int i = 0; i < Keys;)
        {
            WriteTxn? txn = null;
            for (int end = i + 1000; i < end; i++)
            {
                txn = source.Store.Begin();
                txn.Put(System.Text.Encoding.ASCII.GetBytes($"key-{i * 7919L % Keys:d12}"), value, LeaseId.None);
                txn.End();
            }

            source.Store.Publish();
        }

        for (int round = 0; round < 2; round++)
        {
            long before = Settled();
            long allocated = GC.GetAllocatedBytesForCurrentThread();
            long peak = 0;
            long began = Stopwatch.GetTimestamp();
            TimeSpan cpu = Environment.CpuUsage.TotalTime;
            ISnapshotContent pinned = source.Pin();
            TimeSpan pin = Stopwatch.GetElapsedTime(began);
            long length = pinned.Length;
            TimeSpan plan = Stopwatch.GetElapsedTime(began);
            using (IDataFile file = OsFileSystem.Instance.Open(path, FileOpenMode.CreateOrTruncate))
            using (var stream = new DataFileStream(file))
            {
                pinned.WriteTo(stream);
                peak = GC.GetTotalMemory(forceFullCollection: false) - before;
            }

            output.WriteLine(
                $"export: pin {pin.TotalMilliseconds:f2} ms, length {plan.TotalSeconds:f2} s, written {Stopwatch.GetElapsedTime(began).TotalSeconds:f2} s, CPU {(Environment.CpuUsage.TotalTime - cpu).TotalSeconds:f2} s,"
                + $" {length / 1e6:f0} MB, heap +{peak / 1e6:f1} MB, allocated {(GC.GetAllocatedBytesForCurrentThread() - allocated) / 1e6:f1} MB");
            pinned.Dispose();

            before = Settled();
            var copy = new StateBench();
            began = Stopwatch.GetTimestamp();
            cpu = Environment.CpuUsage.TotalTime;
            using (IDataFile file = OsFileSystem.Instance.Open(path, FileOpenMode.Read))
            using (var stream = new DataFileStream(file))
                copy.Machine.Install(stream, new LogIndex(1), new Term(1));

            TimeSpan install = Stopwatch.GetElapsedTime(began);
            output.WriteLine(
                $"import: {install.TotalSeconds:f2} s, CPU {(Environment.CpuUsage.TotalTime - cpu).TotalSeconds:f2} s, heap +{(GC.GetTotalMemory(false) - before) / 1e6:f0} MB, settled +{(Settled() - before) / 1e6:f0} MB,"
                + $" store {copy.Store.SizeBytes / 1e6:f0} MB");
            Assert.Equal(source.Store.CurrentRevision, copy.Store.CurrentRevision);
        }
    }

    private static long Settled()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        return GC.GetTotalMemory(forceFullCollection: true);
    }
}
