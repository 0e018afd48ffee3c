using Etcd.Protocol.Wire;

namespace Etcd.Server.Apply.Requests;

/// <summary>Slices of a message that stay with its memory.</summary>
internal static class ProtoSlices
{
    /// <summary>Reads a length-delimited value and returns it as a slice of the message.</summary>
    /// <param name="message">The whole message that the reader reads.</param>
    /// <param name="reader">The reader, behind the field's tag.</param>
    /// <param name="after">The reader behind the value.</param>
    /// <returns>The slice.</returns>
    public static ReadOnlyMemory<byte> Slice(this ReadOnlyMemory<byte> message, ProtoReader reader, out ProtoReader after)
    {
        ReadOnlySpan<byte> value = reader.ReadBytes(out int offset);
        after = reader;
        return message.Slice(offset, value.Length);
    }
}
