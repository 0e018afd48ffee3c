using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Google.Protobuf;

namespace Etcd.Server.Tests.Apply;

/// <summary>What single commands do, with etcd's refusals and answers.</summary>
public class KvApplierTests
{
    [Fact]
    public void A_put_answers_with_the_revision_and_the_key_as_it_was_if_asked()
    {
        var kv = new KvHarness();
        Assert.Equal(new PutResponse { Header = new ResponseHeader { Revision = 2 } }, kv.Put("k", "1"));
        PutResponse first = kv.Put(new PutRequest { Key = ByteString.CopyFromUtf8("other"), PrevKv = true });
        Assert.Null(first.PrevKv);
        PutResponse second = kv.Put(new PutRequest { Key = ByteString.CopyFromUtf8("k"), Value = ByteString.CopyFromUtf8("2"), PrevKv = true });
        Assert.Equal(4, second.Header.Revision);
        Assert.Equal(("1", 2L, 2L, 1L), (second.PrevKv.Value.ToStringUtf8(), second.PrevKv.CreateRevision, second.PrevKv.ModRevision, second.PrevKv.Version));
    }

    [Fact]
    public void A_put_may_keep_value_or_lease_of_a_key_that_exists()
    {
        var kv = new KvHarness(7, 8);
        kv.Put("k", "value", 7);
        kv.Put(new PutRequest { Key = ByteString.CopyFromUtf8("k"), IgnoreValue = true, Lease = 8 });
        Assert.Equal(("value", 8), Read(kv, "k"));
        kv.Put(new PutRequest { Key = ByteString.CopyFromUtf8("k"), IgnoreLease = true, Value = ByteString.CopyFromUtf8("new") });
        Assert.Equal(("new", 8), Read(kv, "k"));
        Assert.Equal(["attach 7 k", "detach 7 k", "attach 8 k"], kv.Leases.Calls);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void A_put_that_keeps_something_of_a_missing_key_is_refused_and_takes_no_revision(bool value, bool lease)
    {
        var kv = new KvHarness();
        ApplyOutcome outcome = kv.Applier.Put(
            new PutRequest { Key = ByteString.CopyFromUtf8("k"), IgnoreValue = value, IgnoreLease = lease }.ToByteArray());
        Assert.Same(EtcdErrors.KeyNotFound, outcome.Error);
        Assert.Equal(2, kv.Put("x").Header.Revision);
    }

    [Fact]
    public void A_put_with_an_unknown_lease_is_refused_before_anything_else()
    {
        var kv = new KvHarness(1);
        ApplyOutcome outcome = kv.Applier.Put(
            new PutRequest { Key = ByteString.CopyFromUtf8("k"), Lease = 2, IgnoreValue = true }.ToByteArray());
        Assert.Same(EtcdErrors.LeaseNotFound, outcome.Error);
        Assert.Empty(kv.Leases.Calls);
    }

    [Fact]
    public void Leases_hear_of_a_key_only_when_its_lease_changes_and_of_the_old_one_first()
    {
        var kv = new KvHarness(1, 2);
        kv.Put("k", "", 1);
        kv.Put("k", "again", 1);
        kv.Put("k", "", 2);
        kv.Put("k");
        kv.Put("k");
        kv.Put("k", "", 1);
        kv.Delete(new DeleteRangeRequest { Key = ByteString.CopyFromUtf8("k") });
        Assert.Equal(
            ["attach 1 k", "detach 1 k", "attach 2 k", "detach 2 k", "attach 1 k", "detach 1 k"], kv.Leases.Calls);
    }

    [Fact]
    public void A_delete_answers_how_many_and_the_keys_as_they_were_and_none_takes_no_revision()
    {
        var kv = new KvHarness();
        foreach (string key in (string[])["a", "b", "c"])
            kv.Put(key, "v" + key);

        DeleteRangeResponse none = kv.Delete(new DeleteRangeRequest { Key = ByteString.CopyFromUtf8("x") });
        Assert.Equal(new DeleteRangeResponse { Header = new ResponseHeader { Revision = 4 } }, none);
        DeleteRangeResponse two = kv.Delete(new DeleteRangeRequest
        {
            Key = ByteString.CopyFromUtf8("b"),
            RangeEnd = ByteString.CopyFromUtf8("\0"),
            PrevKv = true,
        });
        Assert.Equal((2L, 5L), (two.Deleted, two.Header.Revision));
        Assert.Equal(["vb", "vc"], two.PrevKvs.Select(k => k.Value.ToStringUtf8()));
    }

    [Fact]
    public void A_lease_ends_with_its_keys_deleted_at_one_revision()
    {
        var kv = new KvHarness(1);
        kv.Put("a", "", 1);
        kv.Put("b", "", 1);
        kv.Put("c", "", 1);
        kv.Delete(new DeleteRangeRequest { Key = ByteString.CopyFromUtf8("b") });
        kv.Leases.Calls.Clear();
        kv.Applier.DeleteKeys(new LeaseId(1), ["a"u8.ToArray(), "b"u8.ToArray(), "c"u8.ToArray()]);
        kv.Store.Publish();

        List<StoreEvent> events = [];
        kv.Store.ReadEvents(6, 10, events, out _);
        Assert.Equal([new Revision(6, 0), new Revision(6, 1)], events.Select(e => e.Revision));
        Assert.Equal(["detach 1 a", "detach 1 c"], kv.Leases.Calls);
        Assert.Equal(6, kv.Store.CurrentRevision);
    }

    [Fact]
    public void Compaction_is_refused_at_or_below_the_last_and_above_the_present()
    {
        var kv = new KvHarness();
        kv.Put("k");
        kv.Put("k");
        Assert.Same(EtcdErrors.FutureRevision, kv.Compact(4));
        Assert.Null(kv.Compact(2));
        Assert.Same(EtcdErrors.Compacted, kv.Compact(2));
        Assert.Same(EtcdErrors.Compacted, kv.Compact(1));
        Assert.Null(kv.Compact(3));
    }

    private static (string Value, long Lease) Read(KvHarness kv, string key)
    {
        Assert.True(kv.Store.TryGet(ByteString.CopyFromUtf8(key).Span, out ReadOnlyMemory<byte> record, out _));
        KeyValueFields fields = KeyValueFields.Parse(record.Span);
        return (System.Text.Encoding.UTF8.GetString(fields.Value), fields.Lease.Value);
    }
}
