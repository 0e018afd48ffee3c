using Etcd.Server.Io;

namespace Etcd.Server.Wal;

/// <summary>
/// Has the next segment ready before it is needed: a file <c>0.tmp</c> or <c>1.tmp</c>, in turn, with its space set
/// aside and, step by step, filled with zeros. Space that is only set aside makes the first sync over it commit the
/// file system's journal as well; space that was written does not.
/// <para>Each <see cref="RunOnce"/> does one small step. It may be called from another thread than the log's owner.
/// A failure concerns only the file in preparation, which is dropped; the log goes on and will make another.</para>
/// </summary>
public sealed class SegmentPipeline : IDisposable
{
    internal const int StepBytes = 1024 * 1024;
    private static readonly byte[] Zeros = new byte[StepBytes];
    private readonly Lock _lock = new();
    private readonly IFileSystem _files;
    private readonly string _directory;
    private readonly WalOptions _options;
    private Prepared? _next;
    private int _made;

    internal SegmentPipeline(IFileSystem files, string directory, WalOptions options)
    {
        _files = files;
        _directory = directory;
        _options = options;
    }

    /// <summary>Does the next step; returns whether there is another one to do now.</summary>
    public bool RunOnce()
    {
        lock (_lock)
        {
            if (_next is null)
            {
                _next = Make();
                return true;
            }

            if (_next.ZeroedTo >= _options.SegmentBytes)
            {
                return false;
            }

            try
            {
                _next.ZeroedTo = ZeroStep(_next.File, _next.ZeroedTo, _options);
                return _next.ZeroedTo < _options.SegmentBytes;
            }
            catch
            {
                Drop();
                throw;
            }
        }
    }

    /// <summary>Deletes the file in preparation.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            Drop();
        }
    }

    /// <summary>Writes zeros over one step from <paramref name="position"/> and returns where the next one begins.</summary>
    internal static long ZeroStep(IDataFile file, long position, WalOptions options)
    {
        int bytes = (int)Math.Min(StepBytes, options.SegmentBytes - position);
        file.WriteAt(Zeros.AsSpan(0, bytes), position);
        if (options.SyncMode == SyncMode.Full)
        {
            // Step by step, so that the log's own syncs never queue behind a whole segment of zeros.
            file.DataSync();
        }

        return position + bytes;
    }

    /// <summary>Hands over the prepared file, however far it is zeroed, or a new one.</summary>
    internal Prepared Take()
    {
        lock (_lock)
        {
            Prepared taken = _next ?? Make();
            _next = null;
            _made++;
            return taken;
        }
    }

    private Prepared Make()
    {
        // In turn, so that this name is not the one that was last renamed away and may reappear after a crash.
        string path = Path.Combine(_directory, (_made % 2) + WalFormat.TemporaryExtension);
        IDataFile file = _files.Open(path, FileOpenMode.CreateOrTruncate);
        try
        {
            Primitives.Invariant.Check(file.TryLock(), "nobody else prepares segments in this directory");
            file.Preallocate(_options.SegmentBytes);
            return new Prepared(file, path);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private void Drop()
    {
        if (_next is not { } dropped)
        {
            return;
        }

        _next = null;
        dropped.File.Dispose();
        try
        {
            _files.DeleteFile(dropped.Path);
        }
        catch (FileSystemException)
        {
            // Left-over temporary files are deleted when the log is opened next.
        }
    }

    internal sealed class Prepared(IDataFile file, string path)
    {
        public IDataFile File { get; } = file;

        public string Path { get; } = path;

        public long ZeroedTo { get; set; }
    }
}
