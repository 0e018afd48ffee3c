using System.Buffers;
using System.Text;
using Etcd.Server.Storage;

namespace Etcd.Server.Watch;

/// <summary>
/// One WatchResponse, ready to be sent: the values of its own fields and a slice of shared events. Immutable. It holds no
/// copy of an event's bytes; they go from the store's memory straight into the buffer of <see cref="WriteTo"/>.
/// </summary>
public sealed class WatchBatch
{
    private readonly EventRun? _events;
    private readonly int _firstEvent;
    private readonly int _eventsSize;

    internal WatchBatch(long watchId, long revision)
    {
        WatchId = watchId;
        Revision = revision;
    }

    internal WatchBatch(long watchId, long revision, EventRun events)
        : this(watchId, revision)
    {
        _events = events;
        _eventsSize = events.EncodedSize;
        EventCount = events.Events.Length;
    }

    internal WatchBatch(long watchId, long revision, EventRun events, int first, int count, int size, bool isFragment)
        : this(watchId, revision)
    {
        _events = events;
        _firstEvent = first;
        _eventsSize = size;
        EventCount = count;
        IsFragment = isFragment;
    }

    /// <summary>The watch that it is for; -1 for the progress of the whole stream and for a watch that was refused.</summary>
    public long WatchId { get; }

    /// <summary>The revision of the response's header; zero where etcd sends zero.</summary>
    public long Revision { get; }

    /// <summary>The answer to a create request.</summary>
    public bool Created { get; internal init; }

    /// <summary>The watch is over, or never began.</summary>
    public bool Canceled { get; internal init; }

    /// <summary>Not zero if the watch ended because the history that it needs is compacted up to here.</summary>
    public long CompactRevision { get; internal init; }

    /// <summary>Why a watch never began; empty otherwise.</summary>
    public string CancelReason { get; internal init; } = "";

    /// <summary>More of the same response follows.</summary>
    public bool IsFragment { get; }

    /// <summary>It answers a request of the client, which counts until it is taken.</summary>
    internal bool AnswersRequest { get; init; }

    /// <summary>How many events it carries.</summary>
    public int EventCount { get; }

    /// <summary>One of its events, without the value before it.</summary>
    /// <param name="index">From 0 to <see cref="EventCount"/>.</param>
    public StoreEvent EventAt(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)EventCount, nameof(index));
        return _events!.Events[_firstEvent + index].Source;
    }

    /// <summary>What it counts against the bound of its stream.</summary>
    internal int PendingBytes => _eventsSize + OverheadBytes;

    /// <summary>What a response costs in memory and on the wire beside its events, about.</summary>
    internal const int OverheadBytes = 128;

    /// <summary>Its events, if they are all of a run; null if there are none, or if they are a part.</summary>
    internal EventRun? WholeRun => _events is not null && EventCount == _events.Events.Length ? _events : null;

    /// <summary>The encoded size of the whole WatchResponse.</summary>
    /// <param name="header">The same that <see cref="WriteTo"/> will get.</param>
    public int ComputeSize(in WatchHeader header) =>
        HeaderFieldSize(header, Revision)
        + WatchWire.VarintFieldSize((ulong)WatchId)
        + (Created ? 2 : 0)
        + (Canceled ? 2 : 0)
        + WatchWire.VarintFieldSize((ulong)CompactRevision)
        + (CancelReason.Length == 0 ? 0 : WatchWire.FieldSize(Encoding.UTF8.GetByteCount(CancelReason)))
        + (IsFragment ? 2 : 0)
        + _eventsSize;

    /// <summary>Writes the WatchResponse in protobuf's wire format.</summary>
    /// <param name="output">Receives exactly <see cref="ComputeSize"/> bytes.</param>
    /// <param name="header">The rest of its header.</param>
    public void WriteTo(IBufferWriter<byte> output, in WatchHeader header)
    {
        var wire = new WatchWire(output);
        WriteHeader(ref wire, header, Revision);
        WriteFields(ref wire);
        if (WholeRun?.EncodedFor(uses: 1) is { } encoded)
        {
            wire.Raw(encoded);
        }
        else
        {
            for (int i = 0; i < EventCount; i++)
            {
                _events!.Events[_firstEvent + i].WriteTo(ref wire, _events.WithPrevious);
            }
        }

        wire.Flush();
    }

    /// <summary>The size of field 1 of a WatchResponse.</summary>
    internal static int HeaderFieldSize(in WatchHeader header, long revision) => WatchWire.FieldSize(HeaderSize(header, revision));

    /// <summary>Writes field 1 of a WatchResponse.</summary>
    internal static void WriteHeader(ref WatchWire wire, in WatchHeader header, long revision)
    {
        wire.Length(WatchWire.HeaderTag, HeaderSize(header, revision));
        wire.VarintUnlessZero(WatchWire.ClusterIdTag, header.ClusterId);
        wire.VarintUnlessZero(WatchWire.MemberIdTag, header.MemberId);
        wire.VarintUnlessZero(WatchWire.RevisionTag, (ulong)revision);
        wire.VarintUnlessZero(WatchWire.RaftTermTag, header.RaftTerm);
    }

    private void WriteFields(ref WatchWire wire)
    {
        wire.VarintUnlessZero(WatchWire.WatchIdTag, (ulong)WatchId);
        wire.VarintUnlessZero(WatchWire.CreatedTag, Created ? 1u : 0u);
        wire.VarintUnlessZero(WatchWire.CanceledTag, Canceled ? 1u : 0u);
        wire.VarintUnlessZero(WatchWire.CompactRevisionTag, (ulong)CompactRevision);
        if (CancelReason.Length > 0)
        {
            wire.Bytes(WatchWire.CancelReasonTag, Encoding.UTF8.GetBytes(CancelReason));
        }

        wire.VarintUnlessZero(WatchWire.FragmentTag, IsFragment ? 1u : 0u);
    }

    private static int HeaderSize(in WatchHeader header, long revision) =>
        WatchWire.VarintFieldSize(header.ClusterId)
        + WatchWire.VarintFieldSize(header.MemberId)
        + WatchWire.VarintFieldSize((ulong)revision)
        + WatchWire.VarintFieldSize(header.RaftTerm);
}
