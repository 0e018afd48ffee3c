using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Mvccpb;
using Etcd.Server.Api.Watches;
using Etcd.Server.Storage;
using Etcd.Server.Watch;
using Etcd.TestKit;

namespace Etcd.Server.Tests.Watch;

/// <summary>A hub on a fake store and a fake clock, driven by the test's own thread.</summary>
internal sealed class WatchBench
{
    public static readonly WatchHeader Header = new(0xcdf818194e3a8c32, 0x8e9e05c52164694d, 7);

    public WatchBench(WatchHubOptions? options = null)
    {
        Hub = new WatchHub(History, Clock, () => Wakes++, options);
    }

    public FakeHistory History { get; } = new();

    public FakeTimeProvider Clock { get; } = new();

    public WatchHub Hub { get; }

    public int Wakes { get; private set; }

    public ClientStream Open() => new(Hub);

    /// <summary>Writes one revision and tells the hub.</summary>
    public long Put(params (string Key, string? Value)[] changes)
    {
        StoreEvent[] events = History.Commit(changes);
        Hub.OnCommitted(events, History.CurrentRevision);
        return History.CurrentRevision;
    }

    public long Put(string key, string? value) => Put((key, value));

    /// <summary>Runs the hub until it has nothing more to do and nobody woke it.</summary>
    public TimeSpan Settle()
    {
        while (true)
        {
            int wakes = Wakes;
            TimeSpan next = Hub.RunOnce();
            if (next != TimeSpan.Zero && wakes == Wakes)
            {
                return next;
            }
        }
    }
}

/// <summary>The client's side of one stream: what it received, decoded by the generated protobuf code.</summary>
internal sealed class ClientStream : IWatchOutput
{
    public ClientStream(WatchHub hub)
    {
        Stream = hub.OpenStream(this);
    }

    public WatchStream Stream { get; }

    public int Signals { get; private set; }

    public List<WatchResponse> Received { get; } = [];

    public void OnAvailable() => Signals++;

    public void Create(
        string key, string rangeEnd = "", long start = 0, long id = 0, WatchFilters filters = WatchFilters.None, bool prevKv = false, bool progress = false, bool fragment = false) =>
        Stream.Create(new WatchCreate(id, Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(rangeEnd), start, filters, prevKv, progress, fragment));

    /// <summary>Takes one response; null if there is none.</summary>
    public WatchResponse? Take()
    {
        if (!Stream.TryTake(out WatchBatch? batch))
        {
            return null;
        }

        var buffer = new ArrayBufferWriter<byte>();
        batch.WriteTo(buffer, WatchBench.Header);
        Assert.Equal(batch.ComputeSize(WatchBench.Header), buffer.WrittenCount);
        WatchResponse response = WatchResponse.Parser.ParseFrom(buffer.WrittenSpan);
        Assert.Equal(WatchBench.Header.ClusterId, response.Header.ClusterId);
        Assert.Equal(WatchBench.Header.MemberId, response.Header.MemberId);
        Assert.Equal(WatchBench.Header.RaftTerm, response.Header.RaftTerm);
        Assert.Equal(batch.EventCount, response.Events.Count);
        Received.Add(response);
        return response;
    }

    /// <summary>Takes what is there up to about so many bytes, as a call on the wire does: as gRPC's messages, one behind the other.</summary>
    public List<WatchResponse> TakeFrames(int bytesMax)
    {
        var shares = new List<WatchShare>();
        Stream.TryTakeMany(bytesMax, shares);
        var all = new List<WatchResponse>();
        foreach (WatchShare share in shares)
        {
            var buffer = new ArrayBufferWriter<byte>();
            long messages = WatchFrames.Write(buffer, share, WatchBench.Header);
            List<WatchResponse> responses = Frames.Parse(buffer.WrittenSpan);
            Assert.Equal(share.Count, responses.Count);
            Assert.Equal(messages, responses.Sum(r => (long)r.CalculateSize()));
            Assert.All(responses, r => Assert.Equal(share.EventsEach, r.Events.Count));
            all.AddRange(responses);
        }

        Received.AddRange(all);
        return all;
    }

    /// <summary>Takes everything that is there.</summary>
    public List<WatchResponse> TakeAll()
    {
        var all = new List<WatchResponse>();
        while (Take() is { } response)
        {
            all.Add(response);
        }

        return all;
    }

    public static string Text(Event e) =>
        $"{(e.Type == Event.Types.EventType.Put ? "put" : "del")} {e.Kv.Key.ToStringUtf8()}@{e.Kv.ModRevision}";

    public static string Text(IEnumerable<WatchResponse> responses) =>
        string.Join(", ", responses.SelectMany(r => r.Events).Select(Text));
}

/// <summary>Reads gRPC's messages.</summary>
internal static class Frames
{
    private const int PrefixBytes = 5;

    public static List<WatchResponse> Parse(ReadOnlySpan<byte> bytes)
    {
        var all = new List<WatchResponse>();
        while (!bytes.IsEmpty)
        {
            Assert.Equal(0, bytes[0]);
            int length = BinaryPrimitives.ReadInt32BigEndian(bytes[1..]);
            all.Add(WatchResponse.Parser.ParseFrom(bytes.Slice(PrefixBytes, length)));
            bytes = bytes[(PrefixBytes + length)..];
        }

        return all;
    }
}
