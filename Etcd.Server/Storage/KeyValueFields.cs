using Etcd.Server.Primitives;

namespace Etcd.Server.Storage;

/// <summary>The fields of a mvccpb.KeyValue; the spans lie in the record that it was read from.</summary>
public ref struct KeyValueFields
{
    /// <summary>The key.</summary>
    public ReadOnlySpan<byte> Key { get; set; }

    /// <summary>The main revision that created the key.</summary>
    public long CreateRevision { get; set; }

    /// <summary>The main revision of this version.</summary>
    public long ModRevision { get; set; }

    /// <summary>1 for the version that created the key.</summary>
    public long Version { get; set; }

    /// <summary>The value.</summary>
    public ReadOnlySpan<byte> Value { get; set; }

    /// <summary>The lease, or none.</summary>
    public LeaseId Lease { get; set; }

    /// <summary>Reads the fields of a record of the store.</summary>
    /// <param name="record">The exact bytes of a KeyValue as the store gives them.</param>
    /// <returns>The fields.</returns>
    public static KeyValueFields Parse(ReadOnlySpan<byte> record) => KeyValueCodec.Read(record);
}
