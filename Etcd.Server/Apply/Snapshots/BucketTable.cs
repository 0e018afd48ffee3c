using System.Text;
using Etcd.Server.Bolt;
using Etcd.Server.Storage.Disk;

namespace Etcd.Server.Apply.Snapshots;

/// <summary>Small buckets in memory: a sorted table for each.</summary>
internal sealed class BucketTable
{
    private readonly SortedDictionary<string, SortedDictionary<byte[], byte[]>> _buckets = new(StringComparer.Ordinal);

    /// <summary>The names of the buckets.</summary>
    public IReadOnlyCollection<string> Names => _buckets.Keys;

    /// <summary>Makes sure that there is a bucket.</summary>
    public void Add(string bucket) => _ = Bucket(bucket);

    /// <summary>Sets a key.</summary>
    public void Set(string bucket, byte[] key, byte[] value) => Bucket(bucket)[key] = value;

    /// <summary>Sets a key.</summary>
    public void Set(string bucket, string key, byte[] value) => Set(bucket, Encoding.ASCII.GetBytes(key), value);

    /// <summary>Sets everything that another table has.</summary>
    public void SetAll(BucketTable other)
    {
        foreach ((string bucket, SortedDictionary<byte[], byte[]> entries) in other._buckets)
        {
            SortedDictionary<byte[], byte[]> into = Bucket(bucket);
            foreach ((byte[] key, byte[] value) in entries)
                into[key] = value;
        }
    }

    /// <summary>The buckets, to be written; what is set later is not in them.</summary>
    public IEnumerable<BoltBucket> ToBuckets() => [.. _buckets.Select(b => BoltBucket.Of(b.Key, [.. b.Value]))];

    /// <summary>Everything, bucket by bucket; what is set later is not in it.</summary>
    public IReadOnlyList<MetaRecord> ToRecords() =>
        [.. _buckets.SelectMany(b => b.Value.Select(e => new MetaRecord(b.Key, e.Key, e.Value)))];

    private SortedDictionary<byte[], byte[]> Bucket(string name)
    {
        if (!_buckets.TryGetValue(name, out SortedDictionary<byte[], byte[]>? bucket))
        {
            bucket = new(Comparer<byte[]>.Create(static (a, b) => a.AsSpan().SequenceCompareTo(b)));
            _buckets.Add(name, bucket);
        }

        return bucket;
    }
}
