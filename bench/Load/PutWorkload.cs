namespace Etcd.Bench.Load;

/// <summary>KV/Put of one key with a value of random bytes, which are the same for all requests.</summary>
internal sealed class PutWorkload(LoadOptions options) : Workload(options)
{
    public override string Path => "/etcdserverpb.KV/Put";

    // A response header has at least a cluster id, a member id and a revision.
    public override int ResponseBytesMin => 8;

    protected override void WriteBody(List<byte> body)
    {
        var value = new byte[Options.ValueBytes];
        new Random((int)Options.Seed).NextBytes(value);
        WriteBytesField(body, FirstField, new byte[Options.KeyBytes]);
        WriteBytesField(body, SecondField, value);
    }
}
