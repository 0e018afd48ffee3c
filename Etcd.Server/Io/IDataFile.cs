namespace Etcd.Server.Io;

/// <summary>
/// An open file with positions given by the caller.
/// <para>A failed sync is fatal and never retried: the kernel may have dropped the pages it could not write and
/// marked them clean, so a second sync would succeed without the data being on disk. After one the file is
/// poisoned: every later write and sync throws (<see cref="FileSystemError.Poisoned"/>), and its owner must stop.</para>
/// </summary>
public interface IDataFile : IDisposable
{
    /// <summary>The path it was opened with; a later rename does not change it.</summary>
    string Path { get; }

    /// <summary>The length in bytes, preallocated ones included.</summary>
    long Length { get; }

    /// <summary>Whether a sync has failed.</summary>
    bool IsPoisoned { get; }

    /// <summary>Reads until <paramref name="buffer"/> is full or the file ends; returns how many bytes it got.</summary>
    int ReadAt(Span<byte> buffer, long offset);

    /// <summary>Writes all of <paramref name="data"/>, extending the file where needed.</summary>
    void WriteAt(ReadOnlySpan<byte> data, long offset);

    /// <summary>Writes the buffers one behind the other in as few system calls as can be.</summary>
    void WriteAt(IReadOnlyList<ReadOnlyMemory<byte>> data, long offset);

    /// <summary>Sets the length; bytes beyond it are gone, bytes gained read as zeros.</summary>
    void SetLength(long length);

    /// <summary>
    /// Makes the file at least this long and has the disk space set aside, so that later writes inside it do not run
    /// out of space. The bytes gained read as zeros.
    /// </summary>
    void Preallocate(long length);

    /// <summary>Makes the content durable, and of the metadata what is needed to read it (fdatasync).</summary>
    void DataSync();

    /// <summary>Makes content and metadata durable (fsync).</summary>
    void FullSync();

    /// <summary>
    /// Takes the exclusive advisory lock that etcd takes on the same file, without waiting. False if another open file
    /// holds it, in this process or another. Disposing gives it back; so does the end of the process.
    /// </summary>
    bool TryLock();
}
