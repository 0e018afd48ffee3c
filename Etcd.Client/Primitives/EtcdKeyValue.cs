using System.Text.Json.Serialization.Metadata;
using Etcd.Protocol.Mvccpb;

namespace Etcd.Client;

/// <summary>A key with its value, as one revision of the store has it. Immutable.</summary>
public sealed class EtcdKeyValue
{
    private readonly KeyValue _message;
    private readonly int _prefixLength;

    internal EtcdKeyValue(KeyValue message, int prefixLength)
    {
        _message = message;
        _prefixLength = prefixLength;
    }

    /// <summary>The key, without the client's namespace.</summary>
    public EtcdKey Key => _message.Key.Memory[_prefixLength..];

    /// <summary>The value; empty where only keys were asked for, and for a deleted key.</summary>
    public EtcdValue Value => _message.Value.Memory;

    /// <summary>The revision that made the key, after it last did not exist.</summary>
    public long CreateRevision => _message.CreateRevision;

    /// <summary>The revision of the last change.</summary>
    public long ModRevision => _message.ModRevision;

    /// <summary>The number of changes since the key was made, which is the first.</summary>
    public long Version => _message.Version;

    /// <summary>The lease that the key ends with; none where it has no end.</summary>
    public EtcdLeaseId Lease => new(_message.Lease);

    /// <summary>Reads the value as JSON.</summary>
    public T? ReadJson<T>(JsonTypeInfo<T> type) => Value.ReadJson(type);

    /// <summary>Reads the value as T.</summary>
    public T Read<T>(IEtcdSerializer<T> serializer) => Value.Read(serializer);

    /// <summary>Key and value as text.</summary>
    public override string ToString() => $"{Key} = {Value}";

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
