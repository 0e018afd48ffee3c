using System.Diagnostics;
using Etcd.Bench.Compare;
using Etcd.Bench.Load;

namespace Etcd.Bench.Store;

/// <summary>
/// Fills one side's server, overwrites 30 % at random, compacts, defragments, and kills and restarts it several times.
/// </summary>
internal sealed class StoreRun(RunningServer server, int keys, int clients)
{
    private const int Restarts = 3;
    private const int Counts = 21;
    private const int PageKeys = 10_000;
    private const int KeyBytes = 8;
    private const int ValueBytes = 256;

    // Tag and length of key and value, three numbers of a tag and 4 bytes at the most.
    private const int FieldBytes = 2 + 3 + (3 * 4);
    private static readonly TimeSpan SettleMax = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(4);

    private readonly ServerMember _member = server.Members[0];

    public StoreFigures Run(CancellationToken cancellationToken)
    {
        Load(KeyOrder.Sequential, keys, cancellationToken);
        Load(KeyOrder.Random, keys * 3L / 10, cancellationToken);
        ulong revision = GrpcCall.Status(_member.Port, cancellationToken)!.Revision;
        Require(Call("KV/Compact", [0x08, .. Protobuf.Varint(revision), 0x10, 1], cancellationToken));
        long compacted = Settle(cancellationToken);
        Say($"compacted: {compacted >> 20} MiB");
        long began = Stopwatch.GetTimestamp();
        Require(Call("Maintenance/Defragment", [], cancellationToken));
        double defragment = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        long defragmented = StoreBytes();
        long folder = FolderBytes(_member.Folder);
        var restarts = new List<double>();
        long resident = 0;
        for (int i = 0; i < Restarts; i++)
        {
            restarts.Add(Restart(cancellationToken));
            resident = Math.Max(resident, ProcessFacts.ResidentBytes(_member.ProcessId));
            Say($"restart: {restarts[^1]:0} ms, {resident >> 20} MiB");
        }

        double readAll = ReadAll(cancellationToken);
        Say($"all keys read after the restart: {readAll:0} ms");

        return new StoreFigures
        {
            RestartMs = restarts,
            ResidentBytes = resident,
            LiveBytes = (long)keys * (KeyBytes + ValueBytes + FieldBytes),
            StoreBytes = compacted,
            DefragmentedBytes = defragmented,
            DefragmentMs = defragment,
            FolderBytes = folder,
            ReadAllMs = readAll,
            CountMs = Count(cancellationToken),
        };
    }

    private void Load(KeyOrder order, long calls, CancellationToken cancellationToken)
    {
        LoadResult result = LoadGenerator.Run(
            new LoadOptions
            {
                Host = "127.0.0.1",
                Ports = [_member.Port],
                Workload = WorkloadKind.Put,
                Clients = clients,
                CallsMax = calls,
                KeyBytes = KeyBytes,
                ValueBytes = ValueBytes,
                KeySpace = keys,
                KeyOrder = order,
            },
            [_member.ProcessId],
            cancellationToken);
        if (result.Errors.Total > 0)
            throw server.Explain($"puts failed: {result.Errors.MostFrequent.First().Key}");

        Say($"{result.Calls} puts in {result.Elapsed.TotalSeconds:0.0} s");
    }

    // Space comes back in the background: until nothing has changed for a while.
    private long Settle(CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        long changed = began;
        long bytes = StoreBytes();
        while (Stopwatch.GetElapsedTime(changed) < Settled && Stopwatch.GetElapsedTime(began) < SettleMax)
        {
            cancellationToken.WaitHandle.WaitOne(200);
            cancellationToken.ThrowIfCancellationRequested();
            long now = StoreBytes();
            changed = now == bytes ? changed : Stopwatch.GetTimestamp();
            bytes = now;
        }

        return bytes;
    }

    private double Restart(CancellationToken cancellationToken)
    {
        _member.KillAndWait();
        long began = Stopwatch.GetTimestamp();
        _member.Restart();
        while (!_member.IsListening() && !_member.HasExited)
        {
            cancellationToken.WaitHandle.WaitOne(1);
            cancellationToken.ThrowIfCancellationRequested();
        }

        byte[] read = [0x0A, KeyBytes, .. System.Text.Encoding.ASCII.GetBytes(new string('0', KeyBytes))];
        while (Call("KV/Range", read, cancellationToken) is null)
        {
            if (_member.HasExited)
                throw server.Explain("it did not start again");

            cancellationToken.WaitHandle.WaitOne(2);
            cancellationToken.ThrowIfCancellationRequested();
        }

        return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
    }

    // In pages, as a client does it that reads everything.
    private double ReadAll(CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        for (int first = 0; first < keys; first += PageKeys)
        {
            byte[] key = System.Text.Encoding.ASCII.GetBytes(first.ToString("d8", System.Globalization.CultureInfo.InvariantCulture));
            byte[] request = [.. Protobuf.Bytes(1, key), .. Protobuf.Bytes(2, [0]), 0x18, .. Protobuf.Varint(PageKeys)];
            byte[]? page = Call("KV/Range", request, cancellationToken);
            Require(page);
            long expected = Math.Min(PageKeys, keys - first) * (long)ValueBytes;
            if (page!.Length < expected)
                throw server.Explain($"a page of {page.Length} bytes, not of {expected} or more");
        }

        return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
    }

    private double Count(CancellationToken cancellationToken)
    {
        // key and range_end 0: all; count_only.
        byte[] request = [0x0A, 1, 0, 0x12, 1, 0, 0x48, 1];
        var times = new List<double>();
        for (int i = 0; i < Counts; i++)
        {
            long began = Stopwatch.GetTimestamp();
            Require(Call("KV/Range", request, cancellationToken));
            times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        return times.Order().ElementAt(Counts / 2);
    }

    private byte[]? Call(string method, byte[] request, CancellationToken cancellationToken) =>
        GrpcCall.SendAsync(_member.Port, method, request, cancellationToken).GetAwaiter().GetResult();

    private void Require(byte[]? answer)
    {
        if (answer is null)
            throw server.Explain("a call failed");
    }

    private long StoreBytes() => SpaceWatch.Bytes(_member.Folder);

    private static long FolderBytes(string folder) =>
        new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);

    private static void Say(string what) => Console.WriteLine("  " + what);
}
