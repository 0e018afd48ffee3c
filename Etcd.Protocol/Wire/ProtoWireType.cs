namespace Etcd.Protocol.Wire;

/// <summary>How a field's value is laid out: the low three bits of its tag.</summary>
public enum ProtoWireType
{
    /// <summary>Base-128 number: int32, int64, uint32, uint64, bool and enums.</summary>
    Varint = 0,

    /// <summary>Eight bytes, little endian.</summary>
    Fixed64 = 1,

    /// <summary>A length and as many bytes: strings, bytes, messages and packed numbers.</summary>
    LengthDelimited = 2,

    /// <summary>Start of a group; no message here has one, unknown ones are skipped.</summary>
    StartGroup = 3,

    /// <summary>End of a group.</summary>
    EndGroup = 4,

    /// <summary>Four bytes, little endian.</summary>
    Fixed32 = 5,
}
