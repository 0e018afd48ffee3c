using Etcd.Server.Storage.Index;
using Etcd.Server.Storage.Log;

namespace Etcd.Server.Storage;

/// <summary>Everything that a read needs, as of one moment.</summary>
/// <param name="Index">The index; another one after the whole state was replaced.</param>
/// <param name="Root">The index's tree; its live map is right for exactly <paramref name="Revision"/>.</param>
/// <param name="Segments">The log.</param>
/// <param name="Revision">The newest main revision.</param>
/// <param name="CompactRevision">The last compaction's revision; -1 if there was none, as in etcd.</param>
internal readonly record struct StoreState(
    KeyIndex Index, IndexNode Root, LogSegment[] Segments, long Revision, long CompactRevision);

/// <summary>The state in one object, so that one reference write publishes all of it.</summary>
internal sealed class StoreView(StoreState state)
{
    /// <summary>The state.</summary>
    public StoreState State { get; } = state;
}
