using System.Buffers;
using System.Text;
using Etcd.Protocol.Wire;

namespace Etcd.Client;

/// <summary>
/// An etcdserverpb.WatchResponse as watches need it. It is read straight from the bytes: the generated messages would be seven objects
/// for each event, only to be turned into three others.
/// </summary>
internal sealed class WatchNews
{
    private const uint Header = (1 << 3) | 2;
    private const uint WatchIdField = 2 << 3;
    private const uint CreatedField = 3 << 3;
    private const uint CanceledField = 4 << 3;
    private const uint CompactRevisionField = 5 << 3;
    private const uint CancelReasonField = (6 << 3) | 2;
    private const uint FragmentField = 7 << 3;
    private const uint EventField = (11 << 3) | 2;
    private const uint EventKind = 1 << 3;
    private const uint EventKeyValue = (2 << 3) | 2;
    private const uint EventPrevious = (3 << 3) | 2;
    private const int DeleteKind = 1;

    private EtcdWatchEvent[] _events = [];

    /// <summary>The store's revision when the member answered.</summary>
    public long Revision { get; private set; }

    /// <summary>The member's cluster; 0 where a proxy leaves it out.</summary>
    public ulong ClusterId { get; private set; }

    public long WatchId { get; private set; }

    public bool Created { get; private set; }

    public bool Canceled { get; private set; }

    public long CompactRevision { get; private set; }

    public string CancelReason { get; private set; } = "";

    /// <summary>Whether the rest of the events comes with the next response.</summary>
    public bool Fragment { get; private set; }

    /// <summary>The events, with whole keys. Theirs is the memory: nothing else points into it.</summary>
    public EtcdWatchEvent[] Events => _events;

    /// <summary>Reads a response.</summary>
    /// <exception cref="ProtoFormatException">It is none.</exception>
    public static WatchNews Read(ReadOnlySequence<byte> message) => new(message.IsSingleSegment ? message.FirstSpan : message.ToArray());

    private WatchNews(ReadOnlySpan<byte> message)
    {
        int count = 0;
        var reader = new ProtoReader(message);
        for (uint tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            switch (tag)
            {
                case Header:
                    EtcdHeader header = EtcdHeader.Read(reader.ReadMessage());
                    (ClusterId, Revision) = (header.ClusterId, header.Revision);
                    break;
                case WatchIdField:
                    WatchId = reader.ReadInt64();
                    break;
                case CreatedField:
                    Created = reader.ReadBool();
                    break;
                case CanceledField:
                    Canceled = reader.ReadBool();
                    break;
                case CompactRevisionField:
                    CompactRevision = reader.ReadInt64();
                    break;
                case CancelReasonField:
                    CancelReason = Encoding.UTF8.GetString(reader.ReadBytes());
                    break;
                case FragmentField:
                    Fragment = reader.ReadBool();
                    break;
                case EventField:
                    // Mostly there is one; where there are more there may be many.
                    if (count == _events.Length)
                        Array.Resize(ref _events, Math.Max(1, 2 * count));
                    _events[count++] = ReadEvent(reader.ReadMessage());
                    break;
                default:
                    reader.Skip(tag);
                    break;
            }
        }

        Array.Resize(ref _events, count);
    }

    private static EtcdWatchEvent ReadEvent(ProtoReader message)
    {
        EtcdEventType type = EtcdEventType.Put;
        EtcdKeyValue? item = null;
        EtcdKeyValue? previous = null;
        for (uint tag = message.ReadTag(); tag != 0; tag = message.ReadTag())
        {
            switch (tag)
            {
                case EventKind:
                    type = message.ReadInt32() == DeleteKind ? EtcdEventType.Delete : EtcdEventType.Put;
                    break;
                case EventKeyValue:
                    item = EtcdKeyValue.Read(message.ReadBytes());
                    break;
                case EventPrevious:
                    previous = EtcdKeyValue.Read(message.ReadBytes());
                    break;
                default:
                    message.Skip(tag);
                    break;
            }
        }

        return new EtcdWatchEvent(type, item ?? EtcdKeyValue.Read([]), previous);
    }
}
