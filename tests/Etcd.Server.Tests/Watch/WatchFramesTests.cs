using System.Buffers;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Api.Watches;
using Etcd.Server.Watch;

namespace Etcd.Server.Tests.Watch;

/// <summary>
/// Goal: responses that are written together are the same bytes as those that are written one by one, whatever the buffers are. Method: equal
/// watches with all lengths of ids, events of many sizes, and a writer that gives out as little as it may.
/// </summary>
public sealed class WatchFramesTests
{
    public static TheoryData<int, int> Events => new()
    {
        { 1, 0 }, { 1, 10 }, { 3, 100 }, { 1, 4000 }, { 1, 5000 }, { 20, 400 }, { 2, 100_000 },
    };

    [Theory]
    [MemberData(nameof(Events))]
    public void Responses_written_together_are_those_written_alone(int events, int valueBytes)
    {
        long[] ids = [1, 2, 127, 128, 20_000, 1L << 40, long.MaxValue, .. Enumerable.Range(1000, 200).Select(i => (long)i)];
        WatchBatch[] alone = Responses(events, valueBytes, ids, client => client.TryTakeAll());
        WatchShare[] together = Responses(events, valueBytes, ids, client => client.TryTakeShares(int.MaxValue));
        Assert.Equal(ids.Length, Assert.Single(together).Count);

        Assert.Equal(Written(alone.Select(b => new WatchShare(b))), Written(together));
    }

    [Fact]
    public void Responses_that_are_taken_in_pieces_are_the_same()
    {
        long[] ids = [.. Enumerable.Range(1, 100).Select(i => (long)i)];
        WatchShare[] whole = Responses(2, 50, ids, client => client.TryTakeShares(int.MaxValue));
        WatchShare[] pieces = Responses(2, 50, ids, client => client.TryTakeShares(1000));
        Assert.True(pieces.Length > 10);

        Assert.Equal(Written(whole), Written(pieces));
    }

    private static T[] Responses<T>(int events, int valueBytes, long[] ids, Func<WatchStream, IEnumerable<T>> take)
    {
        var bench = new WatchBench(new WatchHubOptions { StreamPendingBytesMax = int.MaxValue });
        ClientStream client = bench.Open();
        foreach (long id in ids)
        {
            client.Create("k", "l", id: id);
        }

        bench.Settle();
        client.TakeAll();
        bench.Put([.. Enumerable.Range(0, events).Select(i => ($"k{i}", (string?)new string('v', valueBytes)))]);
        bench.Settle();
        return [.. take(client.Stream)];
    }

    private static byte[] Written(IEnumerable<WatchShare> shares)
    {
        var output = new SmallBuffers();
        long messages = shares.Sum(share => WatchFrames.Write(output, share, WatchBench.Header));
        byte[] written = [.. output.Written];
        Assert.Equal(messages, Frames.Parse(written).Sum((WatchResponse r) => (long)r.CalculateSize()));
        return written;
    }

    /// <summary>Gives out exactly what is asked for, or a few bytes.</summary>
    private sealed class SmallBuffers : IBufferWriter<byte>
    {
        private byte[] _given = [];

        public List<byte> Written { get; } = [];

        public void Advance(int count)
        {
            Written.AddRange(_given.AsSpan(0, count));
            _given = [];
        }

        public Memory<byte> GetMemory(int sizeHint = 0) => _given = new byte[Math.Max(7, sizeHint)];

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
    }
}

/// <summary>Takes everything that a stream has.</summary>
internal static class WatchStreamExtensions
{
    public static List<WatchBatch> TryTakeAll(this WatchStream stream)
    {
        var all = new List<WatchBatch>();
        while (stream.TryTake(out WatchBatch? batch))
        {
            all.Add(batch);
        }

        return all;
    }

    public static List<WatchShare> TryTakeShares(this WatchStream stream, int bytesMax)
    {
        var all = new List<WatchShare>();
        var some = new List<WatchShare>();
        while (stream.TryTakeMany(bytesMax, some))
        {
            all.AddRange(some);
            some.Clear();
        }

        return all;
    }
}
