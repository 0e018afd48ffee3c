using System.Collections;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Etcd.Protocol.Tests;

/// <summary>Makes messages of any kind with random content; maps stay empty. The same seed makes the same messages.</summary>
internal sealed class RandomMessages(int seed)
{
    private const int DepthMax = 4;

    private readonly Random _random = new(seed);

    public IMessage Next(MessageDescriptor descriptor) => Next(descriptor, 0);

    public byte[] NextBytes(int lengthMax)
    {
        var bytes = new byte[_random.Next(lengthMax + 1)];
        _random.NextBytes(bytes);
        return bytes;
    }

    private IMessage Next(MessageDescriptor descriptor, int depth)
    {
        var message = (IMessage)Activator.CreateInstance(descriptor.ClrType)!;
        foreach (var field in descriptor.Fields.InDeclarationOrder())
        {
            var tooDeep = field.FieldType == FieldType.Message && depth == DepthMax;
            if (!tooDeep && !field.IsMap && _random.Next(3) != 0)
                Fill(message, field, depth);
        }

        return message;
    }

    private void Fill(IMessage message, FieldDescriptor field, int depth)
    {
        if (!field.IsRepeated)
        {
            field.Accessor.SetValue(message, Value(field, depth));
            return;
        }

        var list = (IList)field.Accessor.GetValue(message);
        for (var count = _random.Next(4); count > 0; count--)
            list.Add(Value(field, depth));
    }

    private object Value(FieldDescriptor field, int depth) => field.FieldType switch
    {
        FieldType.Message => Next(field.MessageType, depth + 1),
        FieldType.Enum => Enum.ToObject(field.EnumType.ClrType, unchecked((int)Number())),
        FieldType.Bytes => ByteString.CopyFrom(NextBytes(200)),
        FieldType.String => Convert.ToHexString(NextBytes(20)) + new Rune(_random.Next(0x20, 0xd800)),
        FieldType.Bool => _random.Next(2) == 0,
        FieldType.Int64 => unchecked((long)Number()),
        FieldType.UInt64 => Number(),
        FieldType.UInt32 => unchecked((uint)Number()),
        _ => throw new InvalidOperationException($"No message had a field of type {field.FieldType} so far."),
    };

    // All lengths of varints are equally likely.
    private ulong Number() => (ulong)_random.NextInt64(long.MinValue, long.MaxValue) >> _random.Next(65);
}
