namespace Etcd.Protocol.Wire;

/// <summary>What is wrong with an encoded message.</summary>
public enum ProtoFault
{
    /// <summary>The message ends within a value.</summary>
    Truncated,

    /// <summary>A varint goes on after ten bytes.</summary>
    VarintTooLong,

    /// <summary>A varint has bits above what it stands for: 64 for a value, 32 for a tag, 31 for a length.</summary>
    VarintTooWide,

    /// <summary>A tag with field number zero.</summary>
    FieldNumberZero,

    /// <summary>A tag with wire type 6 or 7.</summary>
    UnknownWireType,

    /// <summary>The end of a group that is not open, or a group that another one's end closes.</summary>
    UnmatchedEndGroup,

    /// <summary>Groups nested deeper than <see cref="ProtoReader.GroupDepthMax"/>.</summary>
    TooDeep,
}

/// <summary>Bytes that are no protobuf message.</summary>
public sealed class ProtoFormatException(ProtoFault fault, int position)
    : FormatException($"Malformed protobuf message at byte {position}: {fault}.")
{
    /// <summary>What is wrong.</summary>
    public ProtoFault Fault { get; } = fault;

    /// <summary>Where reading stopped, from the start of the span that the reader was given.</summary>
    public int Position { get; } = position;
}
