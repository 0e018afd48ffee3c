namespace Etcd.Bench.Http2.Hpack;

/// <summary>A header field as the HPACK tables keep it.</summary>
internal readonly record struct HeaderField(byte[] Name, byte[] Value)
{
    // RFC 7541, section 4.1: each entry is counted with 32 bytes of overhead.
    public int Size => Name.Length + Value.Length + 32;
}
