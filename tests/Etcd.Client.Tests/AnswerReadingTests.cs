using System.Buffers;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Protocol.Mvccpb;
using Etcd.Protocol.Wire;
using Google.Protobuf;

namespace Etcd.Client.Tests;

/// <summary>
/// Goal: the client's own readers of watch and range responses say what the generated ones say. Method: random responses, in one piece and
/// in two.
/// </summary>
public sealed class AnswerReadingTests
{
    private const int Seeds = 200;

    [Fact]
    public void A_watch_response_is_read_as_the_generated_reader_reads_it()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            var random = new Random(seed);
            WatchResponse message = Draw(random);
            byte[] bytes = message.ToByteArray();

            AssertSame(message, WatchNews.Read(new ReadOnlySequence<byte>(bytes)));
            AssertSame(message, WatchNews.Read(InTwo(bytes, random.Next(bytes.Length + 1))));
        }
    }

    [Fact]
    public void A_range_response_is_read_as_the_generated_reader_reads_it()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            var random = new Random(seed);
            RangeResponse message = DrawRange(random);
            byte[] bytes = message.ToByteArray();
            byte[] streamed = new RangeStreamResponse { RangeResponse = message }.ToByteArray();

            AssertSame(message, RangeAnswer.Read(new ReadOnlySequence<byte>(bytes)));
            AssertSame(message, RangeAnswer.Read(InTwo(bytes, random.Next(bytes.Length + 1))));
            AssertSame(message, RangeAnswer.ReadStreamed(new ReadOnlySequence<byte>(streamed)));
        }
    }

    [Fact]
    public void Fields_that_it_does_not_know_are_passed_over()
    {
        // Fields 90 (a number), 91 (bytes) and 92 (eight bytes), as a later version might have them.
        byte[] unknown = [0xd0, 0x05, 0x01, 0xda, 0x05, 0x02, 0x07, 0x07, 0xe1, 0x05, 1, 2, 3, 4, 5, 6, 7, 8];
        byte[] known = new WatchResponse { WatchId = 5, Events = { new Event { Kv = new KeyValue { Key = ByteString.CopyFromUtf8("a"), ModRevision = 7 } } } }.ToByteArray();

        WatchNews news = WatchNews.Read(new ReadOnlySequence<byte>([.. unknown, .. known, .. unknown]));

        Assert.Equal((5, 7), (news.WatchId, Assert.Single(news.Events).KeyValue.ModRevision));
    }

    [Fact]
    public void A_response_that_is_cut_off_is_refused()
    {
        byte[] bytes = new WatchResponse { Events = { new Event { Kv = new KeyValue { Key = ByteString.CopyFromUtf8("key"), ModRevision = 700 } } } }.ToByteArray();

        for (int length = 1; length < bytes.Length; length++)
        {
            Assert.Throws<ProtoFormatException>(() => WatchNews.Read(new ReadOnlySequence<byte>(bytes, 0, length)));
        }
    }

    [Fact]
    public void A_namespace_is_cut_off_the_key_alone()
    {
        EtcdKeyValue item = EtcdKeyValue.Read(new KeyValue { Key = ByteString.CopyFromUtf8("app/a"), Value = ByteString.CopyFromUtf8("app/1") }.ToByteArray());

        item.CutPrefix(4);

        Assert.Equal(("a", "app/1"), (item.Key.ToString(), item.Value.ToString()));
    }

    private static void AssertSame(RangeResponse message, RangeAnswer answer)
    {
        Assert.Equal((EtcdHeader.From(message.Header), message.More, message.Count), (answer.Header, answer.More, answer.Count));
        EtcdKeyValue[] items = answer.TakeItems(0);
        Assert.Equal(message.Kvs.Count, items.Length);
        foreach ((KeyValue expected, EtcdKeyValue found) in message.Kvs.Zip(items))
        {
            AssertSame(expected, found);
        }
    }

    private static void AssertSame(WatchResponse message, WatchNews news)
    {
        Assert.Equal(
            (message.Header?.Revision ?? 0, message.WatchId, message.Created, message.Canceled, message.CompactRevision, message.CancelReason, message.Fragment),
            (news.Revision, news.WatchId, news.Created, news.Canceled, news.CompactRevision, news.CancelReason, news.Fragment));
        Assert.Equal(message.Events.Count, news.Events.Length);
        foreach ((Event expected, EtcdWatchEvent found) in message.Events.Zip(news.Events))
        {
            Assert.Equal(expected.Type == Event.Types.EventType.Delete, found.Type == EtcdEventType.Delete);
            AssertSame(expected.Kv ?? new KeyValue(), found.KeyValue);
            Assert.Equal(expected.PrevKv is null, found.Previous is null);
            if (found.Previous is { } previous)
            {
                AssertSame(expected.PrevKv!, previous);
            }
        }
    }

    private static void AssertSame(KeyValue expected, EtcdKeyValue found)
    {
        Assert.Equal(
            (expected.CreateRevision, expected.ModRevision, expected.Version, expected.Lease),
            (found.CreateRevision, found.ModRevision, found.Version, found.Lease.Value));
        Assert.True(expected.Key.Span.SequenceEqual(found.Key.Span));
        Assert.True(expected.Value.Span.SequenceEqual(found.Value.Span));
    }

    private static WatchResponse Draw(Random random)
    {
        var message = new WatchResponse
        {
            WatchId = random.Next(4) == 0 ? -1 : random.NextInt64(),
            Created = random.Next(4) == 0,
            Canceled = random.Next(4) == 0,
            CompactRevision = random.Next(4) == 0 ? random.NextInt64() : 0,
            CancelReason = random.Next(4) == 0 ? "rpc error: ungültig" : "",
            Fragment = random.Next(2) == 0,
        };
        if (random.Next(8) != 0)
        {
            message.Header = DrawHeader(random);
        }

        for (int i = random.Next(6); i > 0; i--)
        {
            message.Events.Add(new Event
            {
                Type = random.Next(3) == 0 ? Event.Types.EventType.Delete : Event.Types.EventType.Put,
                Kv = random.Next(8) == 0 ? null : DrawItem(random),
                PrevKv = random.Next(2) == 0 ? null : DrawItem(random),
            });
        }

        return message;
    }

    private static RangeResponse DrawRange(Random random)
    {
        var message = new RangeResponse { More = random.Next(2) == 0, Count = random.Next(100) };
        if (random.Next(8) != 0)
        {
            message.Header = DrawHeader(random);
        }

        for (int i = random.Next(20); i > 0; i--)
        {
            message.Kvs.Add(DrawItem(random));
        }

        return message;
    }

    private static ResponseHeader DrawHeader(Random random) => new()
    {
        ClusterId = (ulong)random.NextInt64() * 2,
        MemberId = 7,
        Revision = random.NextInt64(),
        RaftTerm = (ulong)random.Next(3),
    };

    private static KeyValue DrawItem(Random random) => new()
    {
        Key = DrawBytes(random, 20),
        Value = DrawBytes(random, 300),
        CreateRevision = random.NextInt64(),
        ModRevision = random.Next(3) == 0 ? 0 : random.NextInt64(),
        Version = random.Next(5),
        Lease = random.Next(3) == 0 ? random.NextInt64() : 0,
    };

    private static ByteString DrawBytes(Random random, int most)
    {
        byte[] bytes = new byte[random.Next(most + 1)];
        random.NextBytes(bytes);
        return UnsafeByteOperations.UnsafeWrap(bytes);
    }

    private static ReadOnlySequence<byte> InTwo(byte[] bytes, int at)
    {
        var second = new Segment(bytes.AsMemory(at), null, at);
        var first = new Segment(bytes.AsMemory(0, at), second, 0);
        return new ReadOnlySequence<byte>(first, 0, second, bytes.Length - at);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? next, long index)
        {
            Memory = memory;
            Next = next;
            RunningIndex = index;
        }
    }
}
