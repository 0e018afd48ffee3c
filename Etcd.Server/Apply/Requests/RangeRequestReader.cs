using Etcd.Protocol.Wire;
using Etcd.Server.Storage;

namespace Etcd.Server.Apply.Requests;

/// <summary>Reads etcdserverpb.RangeRequest from its bytes.</summary>
public static class RangeRequestReader
{
    /// <summary>Reads a request.</summary>
    /// <param name="message">Its encoded bytes; the query's spans lie in them.</param>
    /// <returns>The query.</returns>
    /// <exception cref="ProtoFormatException">They are no such message.</exception>
    public static RangeQuery Read(ReadOnlySpan<byte> message)
    {
        var query = default(RangeQuery);
        var reader = new ProtoReader(message);
        for (uint tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            switch (tag)
            {
                case (1 << 3) | 2:
                    query.Key = reader.ReadBytes();
                    break;
                case (2 << 3) | 2:
                    query.RangeEnd = reader.ReadBytes();
                    break;
                case 3 << 3:
                    query.Limit = reader.ReadInt64();
                    break;
                case 4 << 3:
                    query.Revision = reader.ReadInt64();
                    break;
                case 5 << 3:
                    query.SortOrder = (RangeSortOrder)reader.ReadInt32();
                    break;
                case 6 << 3:
                    query.SortTarget = (RangeSortTarget)reader.ReadInt32();
                    break;
                case 7 << 3:
                    query.Serializable = reader.ReadBool();
                    break;
                case 8 << 3:
                    query.KeysOnly = reader.ReadBool();
                    break;
                case 9 << 3:
                    query.CountOnly = reader.ReadBool();
                    break;
                case 10 << 3:
                    query.MinModRevision = reader.ReadInt64();
                    break;
                case 11 << 3:
                    query.MaxModRevision = reader.ReadInt64();
                    break;
                case 12 << 3:
                    query.MinCreateRevision = reader.ReadInt64();
                    break;
                case 13 << 3:
                    query.MaxCreateRevision = reader.ReadInt64();
                    break;
                default:
                    reader.Skip(tag);
                    break;
            }
        }

        return query;
    }
}
