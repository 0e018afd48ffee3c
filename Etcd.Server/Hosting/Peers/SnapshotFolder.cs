using System.Globalization;
using Etcd.Server.Io;
using Etcd.Server.Primitives;

namespace Etcd.Server.Hosting.Peers;

/// <summary>
/// Where snapshots of other members are stored: first under a name that says that they are not whole, then, durable, as
/// <c>{index in 16 hexadecimal digits}.snap.db</c>, as etcd names them. Any thread.
/// </summary>
internal sealed class SnapshotFolder(IFileSystem files, string path)
{
    private const string UnfinishedPrefix = "tmp-peer-snapshot-";

    private readonly Lock _gate = new();
    private bool _prepared;
    private int _count;

    /// <summary>Begins a file.</summary>
    public Incoming Begin()
    {
        string name;
        lock (_gate)
        {
            if (!_prepared)
            {
                Prepare();
                _prepared = true;
            }

            name = UnfinishedPrefix + (++_count).ToString(CultureInfo.InvariantCulture);
        }

        string unfinished = Path.Combine(path, name);
        return new Incoming(this, unfinished, files.Open(unfinished, FileOpenMode.CreateOrTruncate));
    }

    /// <summary>What a crash has left half done goes.</summary>
    private void Prepare()
    {
        files.CreateDirectoryDurably(path);
        foreach (string left in files.List(path).Where(n => n.StartsWith(UnfinishedPrefix, StringComparison.Ordinal)))
        {
            files.DeleteFile(Path.Combine(path, left));
        }
    }

    /// <summary>A file that is being received; disposed of before <see cref="Finish"/>, it goes. One thread at a time.</summary>
    internal sealed class Incoming(SnapshotFolder folder, string unfinished, IDataFile file) : IDisposable
    {
        private bool _finished;

        /// <summary>How many bytes it has.</summary>
        public long Length { get; private set; }

        /// <summary>Appends.</summary>
        public void Write(ReadOnlySpan<byte> bytes)
        {
            file.WriteAt(bytes, Length);
            Length += bytes.Length;
        }

        /// <summary>Makes it durable under its name; blocks as the disk does. Returns the path.</summary>
        /// <param name="index">The last entry that is in it.</param>
        /// <param name="syncs">Counts how long the sync takes.</param>
        /// <param name="clock">The time.</param>
        public string Finish(LogIndex index, DurationHistogram syncs, TimeProvider clock)
        {
            file.SetLength(Length);
            long began = clock.GetTimestamp();
            file.FullSync();
            syncs.Observe(clock.GetElapsedTime(began));
            file.Dispose();
            string name = Path.Combine(folder.FolderPath, index.Value.ToString("x16", CultureInfo.InvariantCulture) + ".snap.db");
            folder.Files.Rename(unfinished, name);
            _finished = true;
            folder.Files.SyncDirectory(folder.FolderPath);
            return name;
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            if (!_finished)
            {
                file.Dispose();
                folder.Files.DeleteFile(unfinished);
            }
        }
    }

    private IFileSystem Files => files;

    private string FolderPath => path;
}
