using Etcd.Protocol.Wire;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace Etcd.Protocol.Tests.Wire;

/// <summary>
/// The allocation-free codec against Google.Protobuf: both must write the same bytes, read the same values and refuse
/// the same nonsense.
/// </summary>
public sealed class WireTests
{
    [Fact]
    public void Both_codecs_write_the_same_bytes_and_read_the_same_values()
    {
        var seed = Seeds.Next();
        var random = new RandomMessages(seed);
        foreach (var descriptor in ProtocolFiles.Messages())
        {
            for (var i = 0; i < 20; i++)
            {
                var message = random.Next(descriptor);
                var bytes = message.ToByteArray();
                Assert.Equal(Convert.ToHexString(bytes), Convert.ToHexString(DescriptorCodec.Encode(message)));
                Assert.True(message.Equals(DescriptorCodec.Decode(descriptor, bytes)), $"{descriptor.FullName}, seed {seed}");
            }
        }
    }

    [Fact]
    public void Random_bytes_are_refused_by_both_or_by_none()
    {
        var random = new Random(Seeds.Next());
        var accepted = 0;
        for (var i = 0; i < 50_000; i++)
            accepted += CheckSameVerdict(NextNonsense(random)) ? 1 : 0;

        // The test would say nothing if one verdict hardly ever came up.
        Assert.InRange(accepted, 500, 49_500);
    }

    [Fact]
    public void Every_cut_and_every_changed_byte_gets_the_same_verdict()
    {
        var random = new RandomMessages(Seeds.Next());
        var descriptor = Etcdserverpb.TxnRequest.Descriptor;
        for (var i = 0; i < 30; i++)
        {
            var bytes = random.Next(descriptor).ToByteArray();
            for (var at = 0; at < Math.Min(bytes.Length, 300); at++)
            {
                CheckSameVerdict(bytes[..at]);
                var changed = bytes.ToArray();
                changed[at] ^= (byte)(1 << (at % 8));
                CheckSameVerdict(changed);
            }
        }
    }

    public static TheoryData<string, ProtoFault> Malformed => new()
    {
        { "08", ProtoFault.Truncated },
        { "80", ProtoFault.Truncated },
        { "0880", ProtoFault.Truncated },
        { "0D000000", ProtoFault.Truncated },
        { "0900000000000000", ProtoFault.Truncated },
        { "0A0200", ProtoFault.Truncated },
        { "0AFFFFFFFF07", ProtoFault.Truncated },
        { "0B", ProtoFault.Truncated },
        { "0B0800", ProtoFault.Truncated },
        { "08FFFFFFFFFFFFFFFFFFFF01", ProtoFault.VarintTooLong },
        { "08FFFFFFFFFFFFFFFFFF02", ProtoFault.VarintTooWide },
        { "888080801000", ProtoFault.VarintTooWide },
        { "0A8080808008", ProtoFault.VarintTooWide },
        { "0AFFFFFFFFFFFFFFFFFF01", ProtoFault.VarintTooWide },
        { "00", ProtoFault.FieldNumberZero },
        { "0500000000", ProtoFault.FieldNumberZero },
        { "8000", ProtoFault.FieldNumberZero },
        { "0E", ProtoFault.UnknownWireType },
        { "0F", ProtoFault.UnknownWireType },
        { "8601", ProtoFault.UnknownWireType },
        { "0C", ProtoFault.UnmatchedEndGroup },
        { "0B14", ProtoFault.UnmatchedEndGroup },
        { "0B0C0C", ProtoFault.UnmatchedEndGroup },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public void Malformed_messages_are_refused_with_the_fault(string hex, ProtoFault fault) =>
        Assert.Equal(fault, FaultOf(Convert.FromHexString(hex)));

    [Theory]
    [InlineData("")]
    [InlineData("0800")]
    [InlineData("088000")] // a varint may be longer than it needs to be
    [InlineData("880000")] // and so may a tag
    [InlineData("08FFFFFFFFFFFFFFFFFF01")]
    [InlineData("0900000000000000000D00000000")]
    [InlineData("F8FFFFFF0F00")] // the largest field number
    [InlineData("0B0800130A00140C")] // a group in a group
    public void Well_formed_messages_are_accepted(string hex)
    {
        var bytes = Convert.FromHexString(hex);
        Assert.Null(FaultOf(bytes));
        Assert.True(GoogleAccepts(bytes));
    }

    [Theory]
    [InlineData(ProtoReader.GroupDepthMax, true)]
    [InlineData(ProtoReader.GroupDepthMax + 1, false)]
    public void Groups_nest_as_deep_as_in_Google_Protobuf(int depth, bool accepted)
    {
        byte[] bytes = [.. Enumerable.Repeat((byte)0x0b, depth), .. Enumerable.Repeat((byte)0x0c, depth)];
        Assert.Equal(accepted ? null : ProtoFault.TooDeep, FaultOf(bytes));
        Assert.Equal(accepted, GoogleAccepts(bytes));
    }

    [Fact]
    public void The_size_of_a_varint_is_what_it_takes()
    {
        var buffer = new byte[ProtoWriter.VarintSizeMax];
        for (var bits = 0; bits <= 64; bits++)
        {
            var edge = bits == 64 ? ulong.MaxValue : 1UL << bits;
            foreach (var value in new[] { edge, edge - 1 })
            {
                var written = ProtoWriter.WriteVarint(buffer, value);
                Assert.Equal(CodedOutputStream.ComputeUInt64Size(value), written);
                Assert.Equal(written, ProtoWriter.VarintSize(value));
                Assert.Equal(value, new ProtoReader(buffer.AsSpan(0, written)).ReadVarint());
            }
        }
    }

    [Fact]
    public void Fixed_fields_and_flags_come_back()
    {
        var buffer = new byte[64];
        var length = ProtoWriter.WriteFixed32Field(buffer, 1, 0xdeadbeef);
        length += ProtoWriter.WriteFixed64Field(buffer.AsSpan(length), 20, ulong.MaxValue - 1);
        length += ProtoWriter.WriteBoolField(buffer.AsSpan(length), 3, true);

        var reader = new ProtoReader(buffer.AsSpan(0, length));
        Assert.Equal(ProtoWriter.Tag(1, ProtoWireType.Fixed32), reader.ReadTag());
        Assert.Equal(0xdeadbeef, reader.ReadFixed32());
        Assert.Equal(ProtoWriter.Tag(20, ProtoWireType.Fixed64), reader.ReadTag());
        Assert.Equal(ulong.MaxValue - 1, reader.ReadFixed64());
        Assert.Equal(ProtoWriter.Tag(3, ProtoWireType.Varint), reader.ReadTag());
        Assert.True(reader.ReadBool());
        Assert.True(reader.IsAtEnd);
        Assert.Equal(0u, reader.ReadTag());
    }

    [Fact]
    public void The_offset_of_a_value_points_at_it()
    {
        byte[] bytes = [0x08, 0x01, 0x12, 0x02, 0xaa, 0xbb];
        var reader = new ProtoReader(bytes);
        reader.Skip(reader.ReadTag());
        reader.ReadTag();
        var value = reader.ReadBytes(out var offset);
        Assert.Equal(bytes[offset..], value.ToArray());
        Assert.Equal([0xaa, 0xbb], value.ToArray());
    }

    [Fact]
    public void A_buffer_that_is_too_short_throws_and_is_not_overrun()
    {
        var buffer = new byte[8];
        Assert.ThrowsAny<ArgumentException>(() => ProtoWriter.WriteBytesField(buffer.AsSpan(0, 4), 1, [1, 2, 3]));
        Assert.Throws<IndexOutOfRangeException>(() => ProtoWriter.WriteVarint(buffer.AsSpan(0, 2), ulong.MaxValue));
        Assert.Equal(new byte[4], buffer[4..]);
    }

    [Fact]
    public void Reading_and_writing_allocate_nothing()
    {
        var message = new RandomMessages(1).Next(Etcdserverpb.PutRequest.Descriptor).ToByteArray();
        var buffer = new byte[64];
        ReadAndWrite(message, buffer);

        // A collection that another test causes adds to the count, so the least of several tries is taken.
        var least = long.MaxValue;
        for (var i = 0; i < 10; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            ReadAndWrite(message, buffer);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    private static void ReadAndWrite(byte[] message, byte[] buffer)
    {
        ProtoReader.Validate(message);
        ProtoWriter.WriteVarintField(buffer, 100, ulong.MaxValue);
        ProtoWriter.WriteBytesField(buffer, 1, "key"u8);
    }

    // Returns the common verdict. Google.Protobuf cuts surplus bits of varints off where Go, and so etcd, refuses them.
    private static bool CheckSameVerdict(byte[] bytes)
    {
        var fault = FaultOf(bytes);
        if (fault == ProtoFault.VarintTooWide)
            return false;

        Assert.True(GoogleAccepts(bytes) == fault is null, $"{Convert.ToHexString(bytes)}: {fault?.ToString() ?? "accepted"}");
        return fault is null;
    }

    private static ProtoFault? FaultOf(byte[] bytes)
    {
        try
        {
            ProtoReader.Validate(bytes);
            return null;
        }
        catch (ProtoFormatException exception)
        {
            Assert.InRange(exception.Position, 0, bytes.Length);
            return exception.Fault;
        }
    }

    // Empty knows no field, so all of the message is skipped, as Validate does.
    private static bool GoogleAccepts(byte[] bytes)
    {
        try
        {
            Empty.Parser.ParseFrom(bytes);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }

    // Short, and rich in the bytes that tags and lengths are made of, so that both verdicts come up.
    private static byte[] NextNonsense(Random random)
    {
        var bytes = new byte[random.Next(1, 16)];
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = random.Next(4) switch
            {
                0 => (byte)random.Next(256),
                1 => (byte)random.Next(32),
                2 => (byte)(random.Next(4) == 0 ? 0xff : 0x80),
                _ => (byte)((random.Next(1, 4) << 3) | random.Next(6)),
            };
        }

        return bytes;
    }
}
