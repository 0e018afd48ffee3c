using System.Globalization;
using System.Security.Cryptography;
using Etcd.Server.Apply;
using Etcd.Server.Apply.Snapshots;
using Etcd.Server.Bolt;
using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Etcd.Server.Snapshots;
using Etcd.Server.Wal;
using Microsoft.Extensions.Logging;

namespace Etcd.Server.Hosting.Restore;

/// <summary>
/// Makes a member's data folder from a snapshot: its state with the members of a new cluster in the place of the old ones, and a log that
/// begins behind it. The file is checked before anything is written; the log, which makes it a member's folder, is written last. The
/// content passes through in pieces, however large it is.
/// </summary>
internal static class SnapshotRestore
{
    private const int HashBytes = 32;

    // Every page size is a multiple of it, so a file that has these 32 bytes too many ends with a hash.
    private const int SectorBytes = 512;
    private const int BufferBytes = 256 * 1024;
    private static readonly Term BirthTerm = new(1);

    /// <summary>Restores.</summary>
    /// <param name="options">What from, where to, for which cluster.</param>
    /// <param name="files">The disk.</param>
    /// <param name="log">Where it is told what happens.</param>
    /// <exception cref="FormatException">The options do not go together.</exception>
    /// <exception cref="IOException">The folder is there already, or the disk failed.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or no snapshot.</exception>
    public static void Run(RestoreOptions options, IFileSystem files, ILogger log)
    {
        InitialCluster cluster = InitialCluster.Of(options);
        string dataDir = Path.GetFullPath(options.EffectiveDataDir);
        string walDir = Path.GetFullPath(options.EffectiveWalDir);
        string snapDir = Path.Combine(dataDir, "member", "snap");
        RefuseExisting(files, options, dataDir, walDir);
        RestoreLog.Restoring(log, options.File, walDir, dataDir, snapDir);

        using IDataFile source = files.Open(options.File, FileOpenMode.Read);
        long length = CheckHash(source, options.SkipHashCheck);
        var snapshots = new SnapshotDirectory(files, snapDir);
        var position = new Snapshot(new LogIndex((ulong)cluster.Members.Count), BirthTerm, Configuration(cluster), Membership(cluster));
        var reader = new BoltReader(new PrefixStream(source, length));
        var writer = new BoltWriter(RestoredState.Buckets(reader, cluster.Members, position, (long)options.BumpRevision));
        snapshots.Create();
        WriteDatabase(files, snapshots, writer, position.Index);
        snapshots.Save(position);
        WriteLog(files, walDir, cluster, position);
        foreach (Membership.Member member in cluster.Members)
        {
            RestoreLog.AddedMember(log, Hex(cluster.Id), Hex(member.Id.Value), member.PeerUrls);
        }

        RestoreLog.Restored(log, options.File, walDir, dataDir, snapDir);
    }

    private static void RefuseExisting(IFileSystem files, RestoreOptions options, string dataDir, string walDir)
    {
        if (files.FileExists(dataDir) || (files.DirectoryExists(dataDir) && files.List(dataDir).Count > 0))
        {
            throw new IOException($"data-dir \"{options.EffectiveDataDir}\" not empty or could not be read");
        }

        if (files.DirectoryExists(walDir) || files.FileExists(walDir))
        {
            throw new IOException($"wal-dir \"{options.EffectiveWalDir}\" exists");
        }
    }

    /// <returns>The bytes of the database, without the hash behind it.</returns>
    private static long CheckHash(IDataFile file, bool skip)
    {
        bool hasHash = file.Length % SectorBytes == HashBytes;
        long length = hasHash ? file.Length - HashBytes : file.Length;
        if (skip)
        {
            return length;
        }

        if (!hasHash)
        {
            throw new InvalidDataException("snapshot missing hash but --skip-hash-check=false");
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[BufferBytes];
        for (long at = 0; at < length;)
        {
            int read = file.ReadAt(buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - at)), at);
            if (read == 0)
            {
                throw new InvalidDataException("the snapshot became shorter while it was read");
            }

            hash.AppendData(buffer, 0, read);
            at += read;
        }

        var expected = new byte[HashBytes];
        file.ReadAt(expected, length);
        byte[] found = hash.GetHashAndReset();
        return found.AsSpan().SequenceEqual(expected)
            ? length
            : throw new InvalidDataException($"expected sha256 [{string.Join(' ', expected)}], got [{string.Join(' ', found)}]");
    }

    private static ConfState Configuration(InitialCluster cluster) => new([.. cluster.Members.Select(m => m.Id)], []);

    private static ReadOnlyMemory<byte> Membership(InitialCluster cluster) =>
        MembershipStore.Encode(new Membership.ClusterState.Snapshot(cluster.Members, null, []));

    private static void WriteDatabase(IFileSystem files, SnapshotDirectory snapshots, BoltWriter writer, LogIndex index)
    {
        string temporary = Path.Combine(snapshots.Directory, "restored.tmp");
        using (IDataFile file = files.Open(temporary, FileOpenMode.CreateOrTruncate))
        using (var stream = new DataFileStream(file))
        {
            writer.WriteTo(stream);
            file.FullSync();
        }

        snapshots.AdoptDatabase(temporary, index);
    }

    private static void WriteLog(IFileSystem files, string walDir, InitialCluster cluster, Snapshot position)
    {
        byte[] metadata = new MemberMetadata(cluster.Local, cluster.Id).Encode();
        using WriteAheadLog wal = WriteAheadLog.Create(files, walDir, metadata, new WalOptions());
        Entry[] entries =
        [
            .. cluster.Members.Select((member, i) => new Entry(
                BirthTerm, new LogIndex((ulong)i + 1), EntryType.ConfChange, ConfChangeCommand.Add(member).Encode())),
        ];
        wal.Append(new HardState(BirthTerm, cluster.Members[0].Id, position.Index), entries);
        wal.Sync();
        wal.SaveSnapshotMarker(new WalSnapshotMark(position.Index, position.Term, position.Configuration));
    }

    private static string Hex(ulong id) => id.ToString("x", CultureInfo.InvariantCulture);
}
