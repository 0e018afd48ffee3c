namespace Etcd.Server.Watch;

/// <summary>Kinds of events that a watch does not want (WatchCreateRequest.FilterType as flags).</summary>
[Flags]
public enum WatchFilters : byte
{
    /// <summary>Every event.</summary>
    None = 0,

    /// <summary>No puts (NOPUT).</summary>
    NoPut = 1,

    /// <summary>No deletes (NODELETE).</summary>
    NoDelete = 2,
}

/// <summary>What a client asks for with a WatchCreateRequest, field by field as it came; the watch room interprets it.</summary>
/// <param name="WatchId">The id that the client wants; zero: the stream chooses the next free one.</param>
/// <param name="Key">The key, or the first one of a range; empty means the smallest key.</param>
/// <param name="RangeEnd">Empty: a single key. One zero byte: all keys from <paramref name="Key"/> on. Else: the end, exclusive.</param>
/// <param name="StartRevision">The first revision wanted; zero: what comes next.</param>
/// <param name="Filters">What is left out.</param>
/// <param name="WithPreviousKeyValue">Events carry what the key held before.</param>
/// <param name="ProgressNotify">An idle watch is told from time to time how far it has come.</param>
/// <param name="Fragment">A response that exceeds the request size limit may come in pieces.</param>
public readonly record struct WatchCreate(
    long WatchId,
    ReadOnlyMemory<byte> Key,
    ReadOnlyMemory<byte> RangeEnd,
    long StartRevision,
    WatchFilters Filters,
    bool WithPreviousKeyValue,
    bool ProgressNotify,
    bool Fragment);
