using System.Buffers.Binary;
using Etcd.Server.Io;
using Etcd.Server.Primitives;

namespace Etcd.Server.Storage.Disk;

/// <summary>Where the state of a checkpoint stands.</summary>
/// <param name="Index">The last applied entry.</param>
/// <param name="Term">Its term.</param>
public readonly record struct CheckpointMark(LogIndex Index, Term Term);

/// <summary>A record of the state beside the keys, in etcd's own bytes.</summary>
/// <param name="Bucket">The bucket that etcd keeps it in.</param>
/// <param name="Key">Its key there.</param>
/// <param name="Value">Its value.</param>
public readonly record struct MetaRecord(string Bucket, byte[] Key, byte[] Value);

/// <summary>A run of records, as the manifest lists it.</summary>
/// <param name="File">The segment file's id.</param>
/// <param name="Place">Where in it.</param>
/// <param name="First">The first record's revision.</param>
/// <param name="Dead">Which records are dead; null if none.</param>
internal readonly record struct ManifestExtent(ulong File, ExtentPlace Place, Revision First, ulong[]? Dead);

/// <summary>
/// One state of the store, whole: what is in the folder and not named here does not count. It is written beside the one before and
/// takes its name in one step, when everything that it names is durable.
/// </summary>
internal sealed record Manifest
{
    /// <summary>The cluster.</summary>
    public ulong ClusterId { get; init; }

    /// <summary>The member.</summary>
    public MemberId Member { get; init; }

    /// <summary>Where the state stands in the raft log.</summary>
    public CheckpointMark Mark { get; init; }

    /// <summary>The store's revision.</summary>
    public long Revision { get; init; }

    /// <summary>Everything beside the keys.</summary>
    public required IReadOnlyList<MetaRecord> Meta { get; init; }

    /// <summary>The history, in its order.</summary>
    public required IReadOnlyList<ManifestExtent> Extents { get; init; }

    /// <summary>Its bytes, head and all.</summary>
    public byte[] Encode()
    {
        var to = new ByteWriter(64 * 1024);
        to.Take(StoreFormat.ManifestHeadBytes);
        to.WriteFixed64(ClusterId);
        to.WriteFixed64(Member.Value);
        to.WriteVarint(Mark.Index.Value);
        to.WriteVarint(Mark.Term.Value);
        to.WriteVarint((ulong)Revision);
        to.WriteVarint((ulong)Meta.Count);
        foreach (MetaRecord record in Meta)
        {
            to.WriteBytes(System.Text.Encoding.Latin1.GetBytes(record.Bucket));
            to.WriteBytes(record.Key);
            to.WriteBytes(record.Value);
        }

        to.WriteVarint((ulong)Extents.Count);
        foreach (ManifestExtent extent in Extents)
            Write(to, extent);

        byte[] bytes = to.Written.ToArray();
        Span<byte> body = bytes.AsSpan(StoreFormat.ManifestHeadBytes);
        StoreFormat.ManifestMagic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), StoreFormat.Version);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), Crc32C.Append(0, body));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), (ulong)body.Length);
        return bytes;
    }

    /// <summary>Reads a manifest.</summary>
    /// <param name="bytes">All of the file.</param>
    /// <param name="path">The file, for what is refused.</param>
    /// <exception cref="StoreException">It is damaged, or of a version that is not known.</exception>
    public static Manifest Decode(ReadOnlySpan<byte> bytes, string path)
    {
        Check(bytes, path);
        try
        {
            return Read(bytes[StoreFormat.ManifestHeadBytes..]);
        }
        catch (InvalidDataException e)
        {
            throw new StoreException(StoreError.Corrupt, "store: " + e.Message, path, 0);
        }
    }

    /// <summary>Whether the bytes are those of a manifest, as far as its head and checksum say.</summary>
    /// <param name="bytes">All of the file.</param>
    /// <param name="path">The file, for what is refused.</param>
    /// <exception cref="StoreException">They are not.</exception>
    public static void Check(ReadOnlySpan<byte> bytes, string path)
    {
        if (bytes.Length < StoreFormat.ManifestHeadBytes || !bytes[..8].SequenceEqual(StoreFormat.ManifestMagic))
            throw new StoreException(StoreError.Corrupt, "store: this is not the beginning of a manifest", path, 0);

        uint version = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        if (version != StoreFormat.Version)
            throw new StoreException(StoreError.UnknownVersion, $"store: format version {version} is not known", path);

        ReadOnlySpan<byte> body = bytes[StoreFormat.ManifestHeadBytes..];
        if ((ulong)body.Length != BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..])
            || Crc32C.Append(0, body) != BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]))
        {
            throw new StoreException(StoreError.Corrupt, "store: checksum mismatch of the manifest", path, 0);
        }
    }

    private static Manifest Read(ReadOnlySpan<byte> body)
    {
        var reader = new ByteReader(body);
        ulong cluster = reader.ReadFixed64();
        var member = new MemberId(reader.ReadFixed64());
        var mark = new CheckpointMark(new LogIndex(reader.ReadVarint()), new Term(reader.ReadVarint()));
        long revision = (long)reader.ReadVarint();
        var meta = new List<MetaRecord>();
        for (int left = reader.ReadInt(); left > 0; left--)
        {
            meta.Add(new MetaRecord(
                System.Text.Encoding.Latin1.GetString(reader.ReadBytes()), reader.ReadBytes().ToArray(), reader.ReadBytes().ToArray()));
        }

        var extents = new List<ManifestExtent>();
        for (int left = reader.ReadInt(); left > 0; left--)
            extents.Add(ReadExtent(ref reader));

        return new Manifest
        {
            ClusterId = cluster,
            Member = member,
            Mark = mark,
            Revision = revision,
            Meta = meta,
            Extents = extents,
        };
    }

    private static void Write(ByteWriter to, in ManifestExtent extent)
    {
        to.WriteVarint(extent.File);
        to.WriteVarint((ulong)extent.Place.Offset);
        to.WriteVarint((ulong)extent.Place.DataBytes);
        to.WriteVarint((ulong)extent.Place.IndexBytes);
        to.WriteFixed32(extent.Place.IndexCrc);
        to.WriteVarint((ulong)extent.First.Main);
        to.WriteVarint((ulong)extent.First.Sub);
        to.WriteVarint((ulong)(extent.Dead?.Length ?? 0));
        foreach (ulong word in extent.Dead ?? [])
            to.WriteFixed64(word);
    }

    private static ManifestExtent ReadExtent(ref ByteReader reader)
    {
        ulong file = reader.ReadVarint();
        var place = new ExtentPlace((long)reader.ReadVarint(), reader.ReadInt(), reader.ReadInt(), reader.ReadFixed32());
        var first = new Revision((long)reader.ReadVarint(), (long)reader.ReadVarint());
        int words = reader.ReadInt();
        ulong[]? dead = words > 0 ? new ulong[Math.Min(words, reader.Left / 8)] : null;
        for (int word = 0; word < words; word++)
        {
            ulong bits = reader.ReadFixed64();
            dead![word] = bits;
        }

        return new ManifestExtent(file, place, first, dead);
    }
}
