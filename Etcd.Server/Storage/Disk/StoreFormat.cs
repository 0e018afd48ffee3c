namespace Etcd.Server.Storage.Disk;

/// <summary>The numbers of the store's files; docs/storage-format.md describes them.</summary>
internal static class StoreFormat
{
    /// <summary>The manifest's name.</summary>
    public const string Manifest = "MANIFEST";

    /// <summary>The manifest while it is written.</summary>
    public const string ManifestTemporary = "MANIFEST.tmp";

    /// <summary>The same manifest once more, for when the first cannot be read.</summary>
    public const string ManifestCopy = "MANIFEST.copy";

    /// <summary>Says, in one line, that records were found to be lost; there only until they are replaced.</summary>
    public const string DamageNote = "DAMAGE";

    /// <summary>The file that a process holds a lock on.</summary>
    public const string Lock = "LOCK";

    /// <summary>What a segment file's name ends with.</summary>
    public const string FileExtension = ".seg";

    /// <summary>The only version there is.</summary>
    public const uint Version = 1;

    /// <summary>Bytes at the beginning of a segment file: magic, version, id.</summary>
    public const int FileHeadBytes = 24;

    /// <summary>Bytes at the beginning of the manifest: magic, version, CRC of the body, length of the body.</summary>
    public const int ManifestHeadBytes = 24;

    /// <summary>When a segment file is full: the next run of records begins another one.</summary>
    public const long FileBytes = 64L << 20;

    /// <summary>What is read at a time, and has a CRC of its own.</summary>
    public const int PageBytes = 8192;

    /// <summary>Un-synced bytes beyond which the writer syncs, so that a checkpoint never has much to wait for.</summary>
    public const long UnsyncedBytesMax = 8L << 20;

    /// <summary>The first bytes of a segment file.</summary>
    public static ReadOnlySpan<byte> FileMagic => "etcdnSEG"u8;

    /// <summary>The first bytes of a manifest.</summary>
    public static ReadOnlySpan<byte> ManifestMagic => "etcdnMAN"u8;

    /// <summary>A segment file's name.</summary>
    public static string FileName(ulong id) => id.ToString("x16", System.Globalization.CultureInfo.InvariantCulture) + FileExtension;

    /// <summary>The id in a segment file's name.</summary>
    public static bool TryParseName(string name, out ulong id)
    {
        id = 0;
        return name.Length == 16 + FileExtension.Length && name.EndsWith(FileExtension, StringComparison.Ordinal)
            && ulong.TryParse(
                name.AsSpan(0, 16), System.Globalization.NumberStyles.AllowHexSpecifier,
                System.Globalization.CultureInfo.InvariantCulture, out id);
    }
}
