using Etcd.Server.Io;

namespace Etcd.Server.Wal;

/// <summary>An open segment file with its name. Holding it open for writing is holding its lock.</summary>
internal sealed class Segment(IDataFile file, SegmentName name, string path) : IDisposable
{
    public IDataFile File { get; } = file;

    public SegmentName Name { get; } = name;

    /// <summary>Where it is now: a finished temporary file keeps its open handle through the rename.</summary>
    public string Path { get; } = path;

    public void Dispose() => File.Dispose();
}
