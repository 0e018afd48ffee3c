using System.Text;
using Etcd.Bench.Http2.Hpack;

namespace Etcd.Bench.Http2;

/// <summary>
/// The header blocks of one gRPC method, encoded once. A connection's first request carries the five fields that are
/// not in the static table as literals which the server adds to its dynamic table; each later request is seven bytes of
/// indexes. A server that announces a table too small for that gets literals each time.
/// </summary>
internal sealed class RequestHeaders
{
    private const int DynamicFields = 5;

    public RequestHeaders(string authority, string path)
    {
        First = Encode(authority, path, literalBits: 0x40, prefixBits: 6, resizeToZero: false);
        FirstWithoutTable = Encode(authority, path, literalBits: 0x00, prefixBits: 4, resizeToZero: true);
        EachWithoutTable = Encode(authority, path, literalBits: 0x00, prefixBits: 4, resizeToZero: false);
        Each = EncodeIndexed();
        // The sizes of the fields by RFC 7541, section 4.1.
        TableSizeMin = ":path:authoritycontent-typeteuser-agent".Length + path.Length + authority.Length
            + "application/grpc".Length + "trailers".Length + UserAgent.Length + (DynamicFields * 32);
    }

    private const string UserAgent = "etcd-bench/1.0";

    public byte[] First { get; }

    public byte[] Each { get; }

    public byte[] FirstWithoutTable { get; }

    public byte[] EachWithoutTable { get; }

    /// <summary>The dynamic table size from which <see cref="First"/> and <see cref="Each"/> may be used.</summary>
    public int TableSizeMin { get; }

    private static byte[] Encode(string authority, string path, byte literalBits, int prefixBits, bool resizeToZero)
    {
        var block = new ByteBuffer(256);
        // A reduced table must be confirmed at the front of the next block (RFC 7541, section 4.2).
        if (resizeToZero)
            HpackInteger.Write(block, 0x20, 5, 0);
        HpackInteger.Write(block, 0x80, 7, StaticTable.MethodPost);
        HpackInteger.Write(block, 0x80, 7, StaticTable.SchemeHttp);
        Literal(StaticTable.Path, null, path);
        Literal(StaticTable.Authority, null, authority);
        Literal(StaticTable.ContentType, null, "application/grpc");
        Literal(0, "te", "trailers");
        Literal(StaticTable.UserAgent, null, UserAgent);
        return block.Written.ToArray();

        void Literal(int nameIndex, string? name, string value)
        {
            HpackInteger.Write(block, literalBits, prefixBits, nameIndex);
            if (name is not null)
                WriteString(block, name);
            WriteString(block, value);
        }
    }

    private static byte[] EncodeIndexed()
    {
        var block = new ByteBuffer(16);
        HpackInteger.Write(block, 0x80, 7, StaticTable.MethodPost);
        HpackInteger.Write(block, 0x80, 7, StaticTable.SchemeHttp);
        // The field that was inserted last has the lowest index.
        for (int age = DynamicFields - 1; age >= 0; age--)
            HpackInteger.Write(block, 0x80, 7, StaticTable.Count + 1 + age);
        return block.Written.ToArray();
    }

    private static void WriteString(ByteBuffer block, string text)
    {
        HpackInteger.Write(block, 0, 7, text.Length);
        block.Write(Encoding.ASCII.GetBytes(text));
    }
}
