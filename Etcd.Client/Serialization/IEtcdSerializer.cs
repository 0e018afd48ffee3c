using System.Buffers;

namespace Etcd.Client;

/// <summary>Turns values of one type into bytes and back. Implementations are called from any thread.</summary>
public interface IEtcdSerializer<T>
{
    /// <summary>Writes a value.</summary>
    void Serialize(T value, IBufferWriter<byte> writer);

    /// <summary>Reads what <see cref="Serialize"/> has written.</summary>
    T Deserialize(ReadOnlyMemory<byte> bytes);
}
