using System.Globalization;
using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Snapshots;

/// <summary>
/// A member's snapshots on disk, named as etcd names them: <c>TERM-INDEX.snap</c> says where a snapshot stands and who the members
/// were, <c>INDEX.snap.db</c> beside it holds the state (all numbers as 16 hexadecimal digits). A file gets its name only when it is
/// whole and durable, so a crash leaves it or does not, and never half of it.
/// <para>The order in which a received snapshot becomes part of the member: database file, .snap file, the log's record of it. A
/// snapshot without a record in the log does not count, so a crash in between forgets it.</para>
/// <para>One thread at a time, but for <see cref="OpenDatabase"/>. Whatever the disk throws is for the caller to take as final.</para>
/// </summary>
/// <param name="files">The disk.</param>
/// <param name="directory">The folder, in etcd <c>member/snap</c>.</param>
public sealed class SnapshotDirectory(IFileSystem files, string directory)
{
    private const string SnapshotExtension = ".snap";
    private const string DatabaseExtension = ".snap.db";
    private const string BrokenExtension = ".broken";
    private const string TemporaryExtension = ".tmp";

    /// <summary>Where the files are.</summary>
    public string Directory { get; } = directory;

    /// <summary>Makes the folder, durably, if it is not there.</summary>
    public void Create() => files.CreateDirectoryDurably(Directory);

    /// <summary>The path of the database file of the snapshot at an index.</summary>
    /// <param name="index">The snapshot's index.</param>
    public string DatabasePath(LogIndex index) => PathOf(Hex(index.Value) + DatabaseExtension);

    /// <summary>Makes a received file, whose content is durable, the database of the snapshot at an index; durable on return.</summary>
    /// <param name="file">Its path, on the same file system.</param>
    /// <param name="index">The snapshot's index.</param>
    public void AdoptDatabase(string file, LogIndex index)
    {
        string path = DatabasePath(index);
        // On a full disk it may have got its name, and be tried once more.
        if (!string.Equals(file, path, StringComparison.Ordinal) && files.FileExists(file))
        {
            files.Rename(file, path);
        }

        files.SyncDirectory(Directory);
    }

    /// <summary>Writes the .snap file; durable on return.</summary>
    /// <param name="snapshot">What it says.</param>
    public void Save(Snapshot snapshot)
    {
        string path = PathOf($"{Hex(snapshot.Term.Value)}-{Hex(snapshot.Index.Value)}{SnapshotExtension}");
        string temporary = path + TemporaryExtension;
        using (IDataFile file = files.Open(temporary, FileOpenMode.CreateOrTruncate))
        {
            file.WriteAt(SnapshotCodec.Encode(snapshot), 0);
            file.FullSync();
        }

        files.Rename(temporary, path);
        files.SyncDirectory(Directory);
    }

    /// <summary>Whether there is any .snap file.</summary>
    public bool HasAny() => files.DirectoryExists(Directory) && Names(SnapshotExtension).Count > 0;

    /// <summary>
    /// The newest snapshot that the caller accepts and whose database is there. One that cannot be read is renamed to
    /// <c>.broken</c> and passed over.
    /// </summary>
    /// <param name="accepts">Whether the log has a record of it.</param>
    /// <returns>Null if there is none.</returns>
    public Snapshot? LoadNewest(Func<Snapshot, bool> accepts)
    {
        if (!files.DirectoryExists(Directory))
        {
            return null;
        }

        foreach (string name in Names(SnapshotExtension))
        {
            if (Load(name) is not { } snapshot)
            {
                files.Rename(PathOf(name), PathOf(name + BrokenExtension));
                files.SyncDirectory(Directory);
            }
            else if (accepts(snapshot) && files.FileExists(DatabasePath(snapshot.Index)))
            {
                return snapshot;
            }
        }

        return null;
    }

    /// <summary>The state of a snapshot, for reading; any thread.</summary>
    /// <param name="index">The snapshot's index.</param>
    public Stream OpenDatabase(LogIndex index) => new DataFileStream(files.Open(DatabasePath(index), FileOpenMode.Read));

    /// <summary>Deletes what is older than a snapshot that the log has a record of. A crash in between leaves more than it should, never less.</summary>
    /// <param name="index">The oldest snapshot to keep.</param>
    public void PurgeBefore(LogIndex index)
    {
        foreach (string name in Names(DatabaseExtension).Where(name => IndexOf(name) < index))
        {
            files.DeleteFile(PathOf(name));
        }

        foreach (string name in Names(SnapshotExtension).Where(name => IndexOf(name) < index))
        {
            files.DeleteFile(PathOf(name));
        }
    }

    /// <summary>
    /// Deletes what a crash left unfinished: temporary files, and databases without a record in the log. Before anything is
    /// received.
    /// </summary>
    /// <param name="newest">The snapshot that the member starts from; zero if none.</param>
    public void DeleteUnfinished(LogIndex newest)
    {
        foreach (string name in files.List(Directory))
        {
            bool unfinished = name.EndsWith(TemporaryExtension, StringComparison.Ordinal)
                || (name.EndsWith(DatabaseExtension, StringComparison.Ordinal) && IndexOf(name) > newest);
            if (unfinished)
            {
                files.DeleteFile(PathOf(name));
            }
        }
    }

    /// <summary>
    /// Deletes a received file that is not wanted, if it is there. Not one that has a database's name: it may be the one in use,
    /// and goes with <see cref="PurgeBefore"/>.
    /// </summary>
    /// <param name="file">Its path.</param>
    public void Discard(string file)
    {
        if (!file.EndsWith(DatabaseExtension, StringComparison.Ordinal) && files.FileExists(file))
        {
            files.DeleteFile(file);
        }
    }

    private static string Hex(ulong value) => value.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>The index in a file's name, which is its last number; the highest for names that have none, which are nobody's to delete.</summary>
    private static LogIndex IndexOf(string name)
    {
        string stem = name[..name.IndexOf('.', StringComparison.Ordinal)];
        string number = stem[(stem.LastIndexOf('-') + 1)..];
        return ulong.TryParse(number, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong index)
            ? new LogIndex(index)
            : new LogIndex(ulong.MaxValue);
    }

    /// <summary>Newest first: the names' order is that of term, then index.</summary>
    private List<string> Names(string extension) =>
        [.. files.List(Directory).Where(name => name.EndsWith(extension, StringComparison.Ordinal)).OrderDescending(StringComparer.Ordinal)];

    private Snapshot? Load(string name)
    {
        using IDataFile file = files.Open(PathOf(name), FileOpenMode.Read);
        byte[] content = new byte[file.Length];
        int read = file.ReadAt(content, 0);
        return SnapshotCodec.Decode(content.AsSpan(0, read));
    }

    private string PathOf(string name) => Path.Combine(Directory, name);
}
