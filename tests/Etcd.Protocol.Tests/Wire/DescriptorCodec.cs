using System.Collections;
using System.Text;
using Etcd.Protocol.Wire;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Etcd.Protocol.Tests.Wire;

/// <summary>
/// Encodes and decodes any message by its descriptor, with nothing but ProtoReader and ProtoWriter: a second codec to
/// hold against the generated one. Knows the field types that the protocol has, but for the one map, which is in gRPC's
/// health protocol and never on a path of ours that does without objects.
/// </summary>
internal static class DescriptorCodec
{
    public static byte[] Encode(IMessage message)
    {
        using var stream = new MemoryStream();
        foreach (var field in message.Descriptor.Fields.InFieldNumberOrder().Where(field => !field.IsMap))
        {
            var values = ValuesToWrite(message, field).ToList();
            if (IsPacked(field) && values.Count > 0)
                stream.Write(EncodePacked(field.FieldNumber, values));
            else
                values.ForEach(value => stream.Write(EncodeField(field, value)));
        }

        return stream.ToArray();
    }

    public static IMessage Decode(MessageDescriptor descriptor, ReadOnlySpan<byte> bytes)
    {
        var message = (IMessage)Activator.CreateInstance(descriptor.ClrType)!;
        var reader = new ProtoReader(bytes);
        for (var tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            var field = descriptor.FindFieldByNumber((int)(tag >> 3));
            if (field is not null && IsPacked(field) && tag == ProtoWriter.Tag(field.FieldNumber, ProtoWireType.LengthDelimited))
                ReadPacked(message, field, reader.ReadMessage());
            else if (field is null || (tag & 7) != (uint)TypeOf(field))
                reader.Skip(tag);
            else
                Store(message, field, ReadValue(field, ref reader));
        }

        return message;
    }

    private static void ReadPacked(IMessage message, FieldDescriptor field, ProtoReader values)
    {
        while (!values.IsAtEnd)
            Store(message, field, ReadValue(field, ref values));
    }

    private static void Store(IMessage message, FieldDescriptor field, object value)
    {
        if (field.IsRepeated)
            ((IList)field.Accessor.GetValue(message)).Add(value);
        else
            field.Accessor.SetValue(message, value);
    }

    private static IEnumerable<object> ValuesToWrite(IMessage message, FieldDescriptor field)
    {
        var value = field.Accessor.GetValue(message);
        if (field.IsRepeated)
            return ((IList)value).Cast<object>();

        var present = field.HasPresence ? field.Accessor.HasValue(message) : !IsDefault(value);
        return present ? [value] : [];
    }

    private static bool IsDefault(object value) => value switch
    {
        string text => text.Length == 0,
        ByteString bytes => bytes.IsEmpty,
        _ => ToVarint(value) == 0,
    };

    private static byte[] EncodePacked(int number, List<object> values)
    {
        var content = values.Sum(value => ProtoWriter.VarintSize(ToVarint(value)));
        var buffer = new byte[ProtoWriter.BytesFieldSize(number, content)];
        var at = ProtoWriter.WriteLengthPrefix(buffer, number, content);
        foreach (var value in values)
            at += ProtoWriter.WriteVarint(buffer.AsSpan(at), ToVarint(value));
        Assert.Equal(buffer.Length, at);
        return buffer;
    }

    private static byte[] EncodeField(FieldDescriptor field, object value)
    {
        var number = field.FieldNumber;
        byte[] buffer;
        int written;
        if (TypeOf(field) == ProtoWireType.Varint)
        {
            buffer = new byte[ProtoWriter.VarintFieldSize(number, ToVarint(value))];
            written = ProtoWriter.WriteVarintField(buffer, number, ToVarint(value));
        }
        else
        {
            var content = value switch
            {
                string text => Encoding.UTF8.GetBytes(text),
                ByteString bytes => bytes.ToByteArray(),
                _ => Encode((IMessage)value),
            };
            buffer = new byte[ProtoWriter.BytesFieldSize(number, content.Length)];
            written = ProtoWriter.WriteBytesField(buffer, number, content);
        }

        Assert.Equal(buffer.Length, written);
        return buffer;
    }

    private static object ReadValue(FieldDescriptor field, ref ProtoReader reader) => field.FieldType switch
    {
        FieldType.Bool => reader.ReadBool(),
        FieldType.Int64 => reader.ReadInt64(),
        FieldType.UInt64 => reader.ReadVarint(),
        FieldType.UInt32 => reader.ReadUInt32(),
        FieldType.Enum => Enum.ToObject(field.EnumType.ClrType, reader.ReadInt32()),
        FieldType.String => Encoding.UTF8.GetString(reader.ReadBytes()),
        FieldType.Bytes => ByteString.CopyFrom(reader.ReadBytes()),
        _ => Decode(field.MessageType, reader.ReadBytes()),
    };

    private static bool IsPacked(FieldDescriptor field) =>
        field.IsRepeated && field.IsPacked && TypeOf(field) == ProtoWireType.Varint;

    private static ProtoWireType TypeOf(FieldDescriptor field) => field.FieldType switch
    {
        FieldType.Message or FieldType.String or FieldType.Bytes => ProtoWireType.LengthDelimited,
        _ => ProtoWireType.Varint,
    };

    private static ulong ToVarint(object value) => value switch
    {
        bool flag => flag ? 1UL : 0UL,
        long number => unchecked((ulong)number),
        ulong number => number,
        uint number => number,
        Enum name => unchecked((ulong)(long)(int)(object)name),
        _ => throw new InvalidOperationException($"Not a varint: {value.GetType()}."),
    };
}
