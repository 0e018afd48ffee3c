using System.Buffers.Binary;
using Etcd.Server.Peer.Codec;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Tests.Storage;
using Etcd.TestKit;
using Google.Protobuf;

namespace Etcd.Server.Tests.Peer;

/// <summary>
/// Goal: messages have raftpb's bytes, both streams have rafthttp's form, and nothing that a peer can send does more than end
/// its stream. Method: golden bytes, the generated protobuf classes as a second opinion, seeded random messages, damage.
/// </summary>
public sealed class CodecTests
{
    [Fact]
    public void AHeartbeatHasItsNumbersWrittenOutZerosToo() =>
        Assert.Equal(
            "0808100218012003280030004004" + "50005800",
            Hex(new Message { Type = MessageType.Heartbeat, From = new(1), To = new(2), Term = new(3), Commit = new(4) }));

    [Fact]
    public void EntriesStandBetweenIndexAndCommit() =>
        Assert.Equal(
            "080310021801200228023004" + "3a0a0800100218052202" + "6869" + "4003" + "50005800",
            Hex(MessageSamples.App(1, 2, 2, 4, new Entry(new(2), new(5), EntryType.Normal, "hi"u8.ToArray())) with { Commit = new(3) }));

    [Fact]
    public void ASnapshotCarriesItsMetadata() =>
        Assert.Equal(
            "08071002180120022800300040004a150a03010203120e0a080801080210092800100718025000" + "5800",
            Hex(MessageSamples.Snap(1, 2, 7)));

    [Fact]
    public void AReadsIdTravelsAsAnEntrysData() =>
        Assert.Equal(
            "080f10021801200028003000" + "3a0a080010001800220261624000" + "50005800",
            Hex(new Message { Type = MessageType.ReadIndex, From = new(1), To = new(2), Context = "ab"u8.ToArray() }));

    [Fact]
    public void TheGeneratedClassesReadTheSame() => TestSeed.ForEach(300, random =>
    {
        Message message = MessageSamples.Random(random);
        byte[] bytes = Encode(message);

        Etcd.Protocol.Raftpb.Message theirs = Etcd.Protocol.Raftpb.Message.Parser.ParseFrom(bytes);

        Assert.Equal((int)message.Type, (int)theirs.Type);
        Assert.Equal(message.To.Value, theirs.To);
        Assert.Equal(message.From.Value, theirs.From);
        Assert.Equal(message.Term.Value, theirs.Term);
        Assert.Equal(message.LogTerm.Value, theirs.LogTerm);
        Assert.Equal(message.Index.Value, theirs.Index);
        Assert.Equal(message.Commit.Value, theirs.Commit);
        Assert.Equal(message.Reject, theirs.Reject);
        Assert.Equal(message.RejectHint.Value, theirs.RejectHint);
        Assert.Equal(MessageSamples.Meaning(message), MessageSamples.Meaning(MessageCodec.Read(bytes)));
        Assert.Equal(MessageSamples.Meaning(message), MessageSamples.Meaning(MessageCodec.Read(theirs.ToByteArray())));
    });

    [Fact]
    public void UnknownFieldsAndA35MembersEmptySnapshotArePassedOver()
    {
        var theirs = new Etcd.Protocol.Raftpb.Message
        {
            Type = Etcd.Protocol.Raftpb.MessageType.MsgAppResp,
            From = 1,
            To = 2,
            Vote = 3,
            Snapshot = new Etcd.Protocol.Raftpb.Snapshot { Metadata = new Etcd.Protocol.Raftpb.SnapshotMetadata { Index = 0 } },
        };
        byte[] bytes = [.. theirs.ToByteArray(), 0x82, 0x7d, 0x01, 0xff];

        Message message = MessageCodec.Read(bytes);

        Assert.Equal(MessageType.AppResp, message.Type);
        Assert.Null(message.Snapshot);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AStreamIsReadAsItWasWrittenHoweverItIsCut(bool msgApp) => TestSeed.ForEach(40, random =>
    {
        Message[] sent = [.. Stream(random, msgApp)];
        (IStreamEncoder encoder, IStreamDecoder decoder) = Codecs(msgApp);
        using var bytes = new SendBuffer();
        foreach (Message message in sent)
        {
            if (random.Next(4) == 0)
            {
                encoder.EncodeHeartbeat(bytes);
            }

            encoder.Encode(message, bytes);
        }

        List<Message> got = Decode(decoder, bytes.Written, () => random.Next(1, 200));

        Assert.Equal(sent.Select(MessageSamples.Meaning), got.Select(MessageSamples.Meaning));
    });

    [Fact]
    public void EntriesThatFollowAreSentWithoutTheMessageAroundThem()
    {
        var encoder = new MsgAppStreamEncoder();
        using var bytes = new SendBuffer();
        encoder.Encode(MessageSamples.App(1, 2, 3, 4, MessageSamples.Entry(3, 5, 1)), bytes);
        Assert.Equal(MsgAppForm.Whole, bytes.Written.Span[0]);
        bytes.Clear();

        encoder.Encode(MessageSamples.App(1, 2, 3, 5, new Entry(new(3), new(6), EntryType.Normal, "x"u8.ToArray())) with { Commit = new(5) }, bytes);

        Assert.Equal(
            "01" + "0000000000000001" + "0000000000000009" + "080010031806220178" + "0000000000000005",
            Convert.ToHexStringLower(bytes.Written.Span));
        bytes.Clear();
        encoder.Encode(MessageSamples.App(1, 2, 3, 9), bytes);
        Assert.Equal(MsgAppForm.Whole, bytes.Written.Span[0]);
        bytes.Clear();
        encoder.Encode(MessageSamples.App(1, 2, 4, 9), bytes);
        Assert.Equal(MsgAppForm.Whole, bytes.Written.Span[0]);
    }

    [Fact]
    public void ASignOfLifeIsOneByteOrAnEmptyHeartbeat()
    {
        using var bytes = new SendBuffer();
        new MsgAppStreamEncoder().EncodeHeartbeat(bytes);
        new MessageStreamEncoder().EncodeHeartbeat(bytes);

        Assert.Equal("00" + "0000000000000012" + "080810001800200028003000400050005800", Convert.ToHexStringLower(bytes.Written.Span));
        Assert.Equal(StreamItem.LinkHeartbeat, new MessageStreamDecoder().Decode(bytes.Written.Span[1..], out _, out _));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void DamagedBytesEndTheStreamAndNothingElse(bool msgApp) => TestSeed.ForEach(400, random =>
    {
        (IStreamEncoder encoder, IStreamDecoder decoder) = Codecs(msgApp);
        using var buffer = new SendBuffer();
        foreach (Message message in Stream(random, msgApp))
        {
            encoder.Encode(message, buffer);
        }

        byte[] bytes = Damage(random, buffer.Written.ToArray());
        try
        {
            Decode(decoder, bytes, () => random.Next(1, 2000));
        }
        catch (PeerFormatException)
        {
            // What a stream ends with.
        }
    });

    [Fact]
    public void AnyBytesAreAMessageOrRefused() => TestSeed.ForEach(2000, random =>
    {
        byte[] bytes = Damage(random, Encode(MessageSamples.Random(random)));
        try
        {
            Message message = MessageCodec.Read(bytes);
            _ = MessageCodec.Read(Encode(message));
        }
        catch (PeerFormatException)
        {
            // What a bad message is answered with.
        }
    });

    // GHSA-6vch-q96h-7gc3's kind (etcd: readBytesLimit, snapshotLimitByte).
    [Theory]
    [InlineData("ffffffffffffffff")]
    [InlineData("0000000020000001")]
    public void ALengthAboveTheLimitIsRefusedBeforeAnythingIsSetAside(string length)
    {
        byte[] bytes = Convert.FromHexString(length);

        Assert.Throws<PeerFormatException>(() => new MessageStreamDecoder().Decode(bytes, out _, out _));
        Assert.Throws<PeerFormatException>(() => new MsgAppStreamDecoder(new(1), new(2)).Decode([2, .. bytes], out _, out _));
        Assert.Throws<PeerFormatException>(() => new MsgAppStreamDecoder(new(1), new(2)).Decode([1, .. bytes], out _, out _));
        Assert.Throws<PeerFormatException>(() => new MsgAppStreamDecoder(new(1), new(2)).Decode([1, 0, 0, 0, 0, 0, 0, 0, 1, .. bytes], out _, out _));
    }

    [Fact]
    public void AnUnknownFormIsRefused() =>
        Assert.Throws<PeerFormatException>(() => new MsgAppStreamDecoder(new(1), new(2)).Decode([3], out _, out _));

    [Fact]
    public void AMessageWithMoreEntriesThanAnyMemberSendsIsRefused()
    {
        var bytes = new byte[2 * (Limits.PeerMessageEntriesMax + 1)];
        for (int at = 0; at < bytes.Length; at += 2)
        {
            bytes[at] = 0x3a;
        }

        Assert.Throws<PeerFormatException>(() => MessageCodec.Read(bytes));
    }

    [Fact]
    public void EncodingAndMessagesWithoutBytesAllocateNothing()
    {
        var encoder = new MsgAppStreamEncoder();
        Message app = MessageSamples.App(1, 2, 3, 4, MessageSamples.Entry(3, 5), MessageSamples.Entry(3, 6));
        using var buffer = new SendBuffer();
        byte[] heartbeat = Encode(MessageSamples.Heartbeat(1, 2, 3));

        Assert.Equal(0, Allocations.OfTheLeastBatch(1000, () =>
        {
            encoder.Encode(app, buffer);
            buffer.Clear();
            MessageCodec.Read(heartbeat);
        }));
    }

    private static string Hex(Message message) => Convert.ToHexStringLower(Encode(message));

    private static byte[] Encode(Message message)
    {
        var bytes = new byte[MessageCodec.Size(message)];
        Assert.Equal(bytes.Length, MessageCodec.Write(bytes, message));
        return bytes;
    }

    private static (IStreamEncoder Encoder, IStreamDecoder Decoder) Codecs(bool msgApp) => msgApp
        ? (new MsgAppStreamEncoder(), new MsgAppStreamDecoder(new MemberId(2), new MemberId(1)))
        : (new MessageStreamEncoder(), new MessageStreamDecoder());

    /// <summary>What a leader sends: entries that follow each other, with jumps and new terms between; or anything.</summary>
    private static IEnumerable<Message> Stream(Random random, bool msgApp)
    {
        ulong term = 1, index = 0;
        for (int i = 0; i < 30; i++)
        {
            if (!msgApp)
            {
                yield return MessageSamples.Random(random) with { From = new MemberId(1) };
                continue;
            }

            term += random.Next(6) == 0 ? 1UL : 0;
            index = random.Next(6) == 0 ? (ulong)random.Next(1000) : index;
            Entry[] entries = [.. Enumerable.Range(1, random.Next(4)).Select(e => MessageSamples.Entry(term, index + (ulong)e, random.Next(200)))];
            yield return MessageSamples.App(1, 2, term, index, entries);
            index += (ulong)entries.Length;
        }
    }

    private static List<Message> Decode(IStreamDecoder decoder, ReadOnlyMemory<byte> bytes, Func<int> piece)
    {
        using var buffer = new ReceiveBuffer();
        List<Message> got = [];
        while (!bytes.IsEmpty)
        {
            Memory<byte> free = buffer.Free();
            int count = Math.Min(Math.Min(piece(), bytes.Length), free.Length);
            bytes[..count].CopyTo(free);
            bytes = bytes[count..];
            buffer.Advance(count);
            while (decoder.Decode(buffer.Received, out int taken, out Message message) is var item and not StreamItem.Incomplete)
            {
                buffer.Take(taken);
                if (item == StreamItem.Message)
                {
                    got.Add(message);
                }
            }
        }

        return got;
    }

    private static byte[] Damage(Random random, byte[] bytes)
    {
        if (bytes.Length == 0)
        {
            return bytes;
        }

        switch (random.Next(4))
        {
            case 0:
                return bytes[..random.Next(bytes.Length)];
            case 1:
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 2 when bytes.Length > 8:
                BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(random.Next(bytes.Length - 8)), (ulong)random.NextInt64() >> random.Next(64));
                return bytes;
            default:
                random.NextBytes(bytes.AsSpan(random.Next(bytes.Length)));
                return bytes;
        }
    }
}
