using Etcd.Protocol.Wire;

namespace Etcd.Server.Apply.Requests;

/// <summary>An etcdserverpb.DeleteRangeRequest, read from its bytes without objects; the spans lie in them.</summary>
public readonly ref struct DeleteRangeRequestView
{
    /// <summary>Reads a request.</summary>
    /// <param name="message">Its encoded bytes.</param>
    /// <exception cref="ProtoFormatException">They are no such message.</exception>
    public DeleteRangeRequestView(ReadOnlySpan<byte> message)
    {
        var reader = new ProtoReader(message);
        for (uint tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            switch (tag)
            {
                case (1 << 3) | 2:
                    Key = reader.ReadBytes();
                    break;
                case (2 << 3) | 2:
                    RangeEnd = reader.ReadBytes();
                    break;
                case 3 << 3:
                    PrevKv = reader.ReadBool();
                    break;
                default:
                    reader.Skip(tag);
                    break;
            }
        }
    }

    /// <summary>The key, or the first of the range.</summary>
    public ReadOnlySpan<byte> Key { get; }

    /// <summary>As in <see cref="Storage.RangeQuery.RangeEnd"/>.</summary>
    public ReadOnlySpan<byte> RangeEnd { get; }

    /// <summary>The answer is to have the keys as they were.</summary>
    public bool PrevKv { get; }
}
