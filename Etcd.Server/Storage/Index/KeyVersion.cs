using Etcd.Server.Primitives;

namespace Etcd.Server.Storage.Index;

/// <summary>What the index knows of one version of a key.</summary>
/// <param name="Modified">The revision that wrote it; names the record in the log.</param>
/// <param name="Created">The main revision that created the key, which began this generation.</param>
/// <param name="Version">1 for the version that created the key; one more with each put.</param>
/// <param name="IsTombstone">The key was deleted by this revision; the version number then means nothing.</param>
/// <param name="HasLease">The record names a lease.</param>
internal readonly record struct KeyVersion(Revision Modified, long Created, long Version, bool IsTombstone, bool HasLease);

/// <summary>How a step of a key's compaction ended.</summary>
internal enum KeyCompaction
{
    /// <summary>Nothing is left to drop for this revision.</summary>
    Done,

    /// <summary>More is to drop: call again.</summary>
    More,

    /// <summary>No version is left: the key is to be removed from the tree.</summary>
    Empty,
}
