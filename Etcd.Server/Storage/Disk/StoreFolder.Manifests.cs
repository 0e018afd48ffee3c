using System.Globalization;
using System.Text;
using Etcd.Server.Io;

namespace Etcd.Server.Storage.Disk;

/// <content>
/// What is there twice, and what is remembered of damage. The manifest is all that says which bytes count, so one flipped bit of it
/// would cost the whole store: it is written once more under another name, when the first is durable and before anything goes that the one
/// before names. Whichever is read, it names a whole state with the log behind it.
/// </content>
public sealed partial class StoreFolder
{
    private const int DamageNoteBytesMax = 4096;

    private ulong? _damagedFile;
    private byte[]? _toRestore;

    /// <summary>What was wrong with the manifest, if its copy is used in its place.</summary>
    public StoreException? ManifestDamage { get; private set; }

    /// <summary>Damage of records that an earlier life of the member has found and that is still there; null as a rule.</summary>
    public StoreDamage? KnownDamage { get; private set; }

    /// <summary>Remembers lost records for the next start. What cannot be written is not remembered. One thread at a time.</summary>
    /// <param name="damage">What is lost.</param>
    public void NoteDamage(StoreDamage damage)
    {
        ArgumentNullException.ThrowIfNull(damage);
        if (_damagedFile is not null || !StoreFormat.TryParseName(Path.GetFileName(damage.File), out ulong id))
            return;

        string text = string.Create(
            CultureInfo.InvariantCulture, $"{Path.GetFileName(damage.File)} {damage.Offset ?? -1} {damage.Reason}");
        try
        {
            using IDataFile file = _files.Open(PathOf(StoreFormat.DamageNote), FileOpenMode.CreateOrTruncate);
            file.WriteAt(Encoding.UTF8.GetBytes(text), 0);
            if (_syncs)
                file.FullSync();

            SyncNames();
            _damagedFile = id;
        }
        catch (FileSystemException)
        {
            // It is found again.
        }
    }

    /// <summary>Checks both manifests as they are on the disk. The thread that writes them.</summary>
    /// <param name="reports">Told of what is damaged.</param>
    /// <returns>Bytes that were read.</returns>
    internal int CheckManifests(DamageReports reports)
    {
        if (Current is null)
            return 0;

        int read = 0;
        foreach (string name in new[] { StoreFormat.Manifest, StoreFormat.ManifestCopy })
        {
            string path = PathOf(name);
            // A full disk may have left no room for the copy.
            if (name == StoreFormat.ManifestCopy && !_files.FileExists(path))
                continue;

            try
            {
                byte[] bytes = ReadManifest(name);
                read += bytes.Length;
                Manifest.Check(bytes, path);
            }
            catch (StoreException e)
            {
                reports.Report(e, isLost: false);
            }
            catch (FileSystemException e)
            {
                reports.Report(new StoreException(StoreError.Corrupt, "store: " + e.Message, path, 0), isLost: false);
            }
        }

        return read;
    }

    // Empty if there is none.
    private byte[] ReadManifest(string name)
    {
        string path = PathOf(name);
        if (!_files.FileExists(path))
            return [];

        using IDataFile file = _files.Open(path, FileOpenMode.Read);
        var bytes = new byte[file.Length];
        return bytes[..file.ReadAt(bytes, 0)];
    }

    /// <summary>The manifest that counts; its copy if it is damaged or gone.</summary>
    private Manifest? Find()
    {
        string path = PathOf(StoreFormat.Manifest);
        bool isThere = _files.FileExists(path);
        try
        {
            if (isThere)
                return Manifest.Decode(_found, path);
        }
        catch (StoreException e) when (e.Error == StoreError.Corrupt)
        {
            if (FindCopy(e) is { } copy)
                return copy;

            throw;
        }

        return FindCopy(new StoreException(StoreError.Corrupt, "store: the manifest is missing", path));
    }

    private Manifest? FindCopy(StoreException why)
    {
        byte[] bytes = ReadManifest(StoreFormat.ManifestCopy);
        if (bytes.Length == 0)
            return null;

        try
        {
            Manifest copy = Manifest.Decode(bytes, PathOf(StoreFormat.ManifestCopy));
            ManifestDamage = why;
            _toRestore = bytes;
            return copy;
        }
        catch (StoreException) when (_found.Length > 0)
        {
            // Of two that are damaged the first is named.
            return null;
        }
    }

    private void RestoreManifest()
    {
        if (_toRestore is not { } bytes)
            return;

        // Without room it stays as it is: the next checkpoint writes both.
        FullDisk.Try(() => Place(bytes, StoreFormat.Manifest));
        _toRestore = null;
    }

    private void WriteCopy(byte[] bytes)
    {
        try
        {
            Place(bytes, StoreFormat.ManifestCopy);
        }
        catch (FileSystemException e) when (FullDisk.Is(e))
        {
            // The manifest counts, whatever comes. One that names files which are about to go must not be found later.
            if (_files.FileExists(PathOf(StoreFormat.ManifestCopy)))
                FullDisk.Try(() => _files.DeleteFile(PathOf(StoreFormat.ManifestCopy)));
        }
    }

    /// <summary>Puts bytes under a name, whole or not at all; durable on return.</summary>
    private void Place(byte[] bytes, string name)
    {
        string temporary = PathOf(StoreFormat.ManifestTemporary);
        try
        {
            using (IDataFile file = _files.Open(temporary, FileOpenMode.CreateOrTruncate))
            {
                file.WriteAt(bytes, 0);
                if (_syncs)
                    file.FullSync();
            }

            _files.Rename(temporary, PathOf(name));
        }
        catch (FileSystemException e) when (FullDisk.Is(e))
        {
            if (_files.FileExists(temporary))
                FullDisk.Try(() => _files.DeleteFile(temporary));

            throw;
        }

        SyncNames();
    }

    private void ReadDamage(HashSet<ulong> named)
    {
        string path = PathOf(StoreFormat.DamageNote);
        if (!_files.FileExists(path))
            return;

        var bytes = new byte[DamageNoteBytesMax];
        using (IDataFile file = _files.Open(path, FileOpenMode.Read))
            bytes = bytes[..file.ReadAt(bytes, 0)];

        string[] words = Encoding.UTF8.GetString(bytes).Split(' ', 3);
        if (words.Length == 3 && StoreFormat.TryParseName(words[0], out ulong id) && named.Contains(id)
            && long.TryParse(words[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long offset))
        {
            _damagedFile = id;
            KnownDamage = new StoreDamage(PathOf(words[0]), offset < 0 ? null : offset, words[2], IsLost: true);
        }
        else
        {
            // The file is gone, or the note was never finished.
            FullDisk.Try(() => _files.DeleteFile(path));
        }
    }

    private void ForgetDamageOf(ulong file)
    {
        if (_damagedFile != file)
            return;

        string path = PathOf(StoreFormat.DamageNote);
        if (!_files.FileExists(path) || FullDisk.Try(() => _files.DeleteFile(path)))
            _damagedFile = null;
    }
}
