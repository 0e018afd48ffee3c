namespace Etcd.Bench.Http2.Hpack;

/// <summary>Takes the fields of a header block in their order. The spans hold only during the call.</summary>
internal interface IHeaderSink
{
    void OnHeader(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value);
}
