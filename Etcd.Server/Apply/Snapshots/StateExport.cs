using System.Text;
using Etcd.Server.Bolt;
using Etcd.Server.Io;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;

namespace Etcd.Server.Apply.Snapshots;

/// <summary>
/// The replicated state at one index, as etcd's database. Taking one costs little (<see cref="IStateSnapshots.Export"/>); the first
/// use of <see cref="Length"/> goes through all records. Used by one thread at a time, any but those that serve requests.
/// </summary>
public sealed class StateExport : ISnapshotContent
{
    private IReadOnlyList<BoltBucket>? _buckets;
    private BoltWriter? _writer;

    private readonly HistoryPin? _history;

    internal StateExport(IEnumerable<BoltBucket> buckets, string? storageVersion, HistoryPin? history = null)
    {
        _buckets = [.. buckets];
        _history = history;
        StorageVersion = storageVersion;
    }

    /// <summary>The last entry that is in it.</summary>
    public LogIndex Index { get; internal init; }

    /// <summary>That entry's term.</summary>
    public Term Term { get; internal init; }

    /// <summary>The version that the state says of itself; null below 3.6.</summary>
    public string? StorageVersion { get; }

    /// <inheritdoc/>
    public long Length => Writer.Length;

    private IReadOnlyList<BoltBucket> Buckets => _buckets ?? throw new ObjectDisposedException(nameof(StateExport));

    private BoltWriter Writer => _writer ??= new BoltWriter(Buckets);

    /// <inheritdoc/>
    public void WriteTo(Stream target) => Writer.WriteTo(target);

    /// <summary>As <see cref="WriteTo"/>, for one who waits between the pieces; see <see cref="BoltWriter.Pieces"/>.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Pieces() => Writer.Pieces();

    /// <summary>
    /// etcd's hash of the whole state: CRC-32C over the buckets' names, keys and values in order, without what differs between
    /// members by nature (the index, its term and the version of the store).
    /// </summary>
    /// <param name="cancellation">Ends it, within some hundred records.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public uint Hash(CancellationToken cancellation = default)
    {
        uint hash = 0;
        foreach (BoltBucket bucket in Buckets.OrderBy(b => b.Name, StringComparer.Ordinal))
        {
            hash = Crc32C.Append(hash, Encoding.Latin1.GetBytes(bucket.Name));
            BoltCursor cursor = bucket.Open();
            for (int at = 0; cursor.MoveNext(); at++)
            {
                if ((at & 255) == 0)
                    cancellation.ThrowIfCancellationRequested();

                if (bucket.Name != StateBuckets.Meta || !DiffersByNature(cursor.Key))
                    hash = Crc32C.Append(Crc32C.Append(hash, cursor.Key), cursor.Value);
            }
        }

        return hash;
    }

    /// <summary>Lets go of the state.</summary>
    public void Dispose()
    {
        _buckets = null;
        _writer = null;
        _history?.Dispose();
    }

    private static bool DiffersByNature(ReadOnlySpan<byte> key) =>
        key.SequenceEqual("consistent_index"u8) || key.SequenceEqual("term"u8) || key.SequenceEqual("storageVersion"u8);
}
