using System.Text;
using Etcd.Server.Wal;

namespace Etcd.Interop.Tests.Wal;

/// <summary>
/// The messages inside a log's entries, made by hand so that the check does not lean on the code that it checks.
/// </summary>
internal static class RaftLog
{
    /// <summary>etcdserverpb.Metadata.</summary>
    public static byte[] Metadata(ulong node, ulong cluster) => [.. Number(1, node), .. Number(2, cluster)];

    /// <summary>etcdserverpb.InternalRaftRequest: 4 put, 100 header with 1 ID.</summary>
    public static byte[] Request(ulong id, byte[] put) => [.. Bytes(4, put), .. Bytes(100, Number(1, id))];

    /// <summary>etcdserverpb.PutRequest: 1 key, 2 value.</summary>
    public static byte[] Put(string key, string value) =>
        [.. Bytes(1, Encoding.UTF8.GetBytes(key)), .. Bytes(2, Encoding.UTF8.GetBytes(value))];

    /// <summary>raftpb.ConfChange: 1 ID, 2 type (0 adds a voter), 3 node, 4 context: the member as JSON.</summary>
    public static byte[] AddMember(ulong node, string name, string peerUrl)
    {
        string json = $$"""{"id":{{node}},"peerURLs":["{{peerUrl}}"],"name":"{{name}}"}""";
        return [.. Number(1, 0), .. Number(2, 0), .. Number(3, node), .. Bytes(4, Encoding.UTF8.GetBytes(json))];
    }

    private static byte[] Number(int field, ulong value) => [.. Varint((ulong)field << 3), .. Varint(value)];

    private static byte[] Bytes(int field, byte[] value) => [.. Varint(((ulong)field << 3) | 2), .. Varint((ulong)value.Length), .. value];

    private static byte[] Varint(ulong value)
    {
        byte[] buffer = new byte[Proto.VarintBytesMax];
        return buffer[..Proto.WriteVarint(buffer, value)];
    }
}
