using System.Text.Json.Serialization.Metadata;
using Etcd.Protocol.Mvccpb;
using Etcd.Protocol.Wire;

namespace Etcd.Client;

/// <summary>A key with its value, as one revision of the store has it. Immutable.</summary>
public sealed class EtcdKeyValue
{
    private const uint KeyField = (1 << 3) | 2;
    private const uint CreateField = 2 << 3;
    private const uint ModField = 3 << 3;
    private const uint VersionField = 4 << 3;
    private const uint ValueField = (5 << 3) | 2;
    private const uint LeaseField = 6 << 3;

    private readonly ReadOnlyMemory<byte> _value;
    private ReadOnlyMemory<byte> _key;

    internal EtcdKeyValue(KeyValue message, int prefixLength)
    {
        _key = message.Key.Memory[prefixLength..];
        _value = message.Value.Memory;
        CreateRevision = message.CreateRevision;
        ModRevision = message.ModRevision;
        Version = message.Version;
        Lease = new EtcdLeaseId(message.Lease);
    }

    private EtcdKeyValue(ReadOnlySpan<byte> message)
    {
        ReadOnlySpan<byte> key = default;
        ReadOnlySpan<byte> value = default;
        var reader = new ProtoReader(message);
        for (uint tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            switch (tag)
            {
                case KeyField:
                    key = reader.ReadBytes();
                    break;
                case CreateField:
                    CreateRevision = reader.ReadInt64();
                    break;
                case ModField:
                    ModRevision = reader.ReadInt64();
                    break;
                case VersionField:
                    Version = reader.ReadInt64();
                    break;
                case ValueField:
                    value = reader.ReadBytes();
                    break;
                case LeaseField:
                    Lease = new EtcdLeaseId(reader.ReadInt64());
                    break;
                default:
                    reader.Skip(tag);
                    break;
            }
        }

        byte[] bytes = new byte[key.Length + value.Length];
        key.CopyTo(bytes);
        value.CopyTo(bytes.AsSpan(key.Length));
        _key = bytes.AsMemory(0, key.Length);
        _value = bytes.AsMemory(key.Length);
    }

    /// <summary>The key, without the client's namespace.</summary>
    public EtcdKey Key => _key;

    /// <summary>The value; empty where only keys were asked for, and for a deleted key.</summary>
    public EtcdValue Value => _value;

    /// <summary>The revision that made the key, after it last did not exist.</summary>
    public long CreateRevision { get; }

    /// <summary>The revision of the last change.</summary>
    public long ModRevision { get; }

    /// <summary>The number of changes since the key was made, which is the first.</summary>
    public long Version { get; }

    /// <summary>The lease that the key ends with; none where it has no end.</summary>
    public EtcdLeaseId Lease { get; }

    /// <summary>Reads the value as JSON.</summary>
    public T? ReadJson<T>(JsonTypeInfo<T> type) => Value.ReadJson(type);

    /// <summary>Reads the value as T.</summary>
    public T Read<T>(IEtcdSerializer<T> serializer) => Value.Read(serializer);

    /// <summary>Key and value as text.</summary>
    public override string ToString() => $"{Key} = {Value}";

    /// <summary>Reads an encoded mvccpb.KeyValue, with the whole key. The memory of key and value is its own.</summary>
    internal static EtcdKeyValue Read(ReadOnlySpan<byte> message) => new(message);

    /// <summary>Cuts the namespace off. Only before anybody has the key.</summary>
    internal void CutPrefix(int length) => _key = _key[length..];

    internal static EtcdKeyValue? From(KeyValue? message, int prefixLength) =>
        message is null ? null : new EtcdKeyValue(message, prefixLength);

    internal static EtcdKeyValue[] From(IReadOnlyList<KeyValue> messages, int prefixLength)
    {
        if (messages.Count == 0)
            return [];
        var all = new EtcdKeyValue[messages.Count];
        for (int i = 0; i < all.Length; i++)
            all[i] = new EtcdKeyValue(messages[i], prefixLength);
        return all;
    }
}
