using System.Buffers;

namespace Etcd.Client;

/// <summary>Turns values of one type into bytes and back. Implementations are called from any thread.</summary>
/// <example>
/// <code>
/// internal sealed class GuidSerializer : IEtcdSerializer&lt;Guid&gt;
/// {
///     public void Serialize(Guid value, IBufferWriter&lt;byte&gt; writer) => writer.Write(value.ToByteArray());
///
///     public Guid Deserialize(ReadOnlyMemory&lt;byte&gt; bytes) => new(bytes.Span);
/// }
/// </code>
/// </example>
public interface IEtcdSerializer<T>
{
    /// <summary>Writes a value.</summary>
    void Serialize(T value, IBufferWriter<byte> writer);

    /// <summary>Reads what <see cref="Serialize"/> has written.</summary>
    T Deserialize(ReadOnlyMemory<byte> bytes);
}
