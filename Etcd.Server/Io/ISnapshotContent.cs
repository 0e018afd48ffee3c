namespace Etcd.Server.Io;

/// <summary>
/// A state that can be written out while what it was taken from goes on changing. Taking one is cheap; it holds on to memory
/// until it is disposed.
/// </summary>
public interface ISnapshotContent : IDisposable
{
    /// <summary>Bytes that <see cref="WriteTo"/> writes.</summary>
    long Length { get; }

    /// <summary>Writes it, in large pieces. Blocks as the target does; not called on a thread that serves requests. May be called once.</summary>
    /// <param name="target">Where to.</param>
    void WriteTo(Stream target);
}
