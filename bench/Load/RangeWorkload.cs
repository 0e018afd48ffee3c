namespace Etcd.Bench.Load;

/// <summary>KV/Range of one key, linearizable. The keys must be there: an answer without the value is an error.</summary>
internal sealed class RangeWorkload(LoadOptions options) : Workload(options)
{
    public override string Path => "/etcdserverpb.KV/Range";

    public override int ResponseBytesMin => Options.KeyBytes + Options.ValueBytes;

    protected override void WriteBody(List<byte> body) =>
        WriteBytesField(body, FirstField, new byte[Options.KeyBytes]);
}
