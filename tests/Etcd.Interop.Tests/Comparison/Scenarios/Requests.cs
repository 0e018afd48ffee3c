using Etcd.Interop.Tests.Comparison.Steps;
using Etcd.Protocol.Etcdserverpb;
using Google.Protobuf;

namespace Etcd.Interop.Tests.Comparison;

/// <summary>Short ways to write the requests of the scenarios.</summary>
internal static class Requests
{
    public static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);

    public static Call Put(string key, string value, long lease = 0) => Put(new PutRequest { Key = Utf8(key), Value = Utf8(value), Lease = lease });

    public static Call Put(PutRequest r) => new($"Put {r}", async c => await new KV.KVClient(c).PutAsync(r, cancellationToken: Session.Cancellation));

    public static Call Range(RangeRequest r) => new($"Range {r}", async c => await new KV.KVClient(c).RangeAsync(r, cancellationToken: Session.Cancellation));

    public static Call Delete(DeleteRangeRequest r) => new($"DeleteRange {r}", async c => await new KV.KVClient(c).DeleteRangeAsync(r, cancellationToken: Session.Cancellation));

    public static Call Txn(TxnRequest r) => new($"Txn {r}", async c => await new KV.KVClient(c).TxnAsync(r, cancellationToken: Session.Cancellation));

    public static Call Compact(long revision) => new(
        $"Compact {revision}", async c => await new KV.KVClient(c).CompactAsync(new CompactionRequest { Revision = revision }, cancellationToken: Session.Cancellation));

    public static Call Grant(long id, long ttl) => new(
        $"LeaseGrant {id} for {ttl}", async c => await new Lease.LeaseClient(c).LeaseGrantAsync(new LeaseGrantRequest { ID = id, TTL = ttl }, cancellationToken: Session.Cancellation));

    public static Call Revoke(long id) => new(
        $"LeaseRevoke {id}", async c => await new Lease.LeaseClient(c).LeaseRevokeAsync(new LeaseRevokeRequest { ID = id }, cancellationToken: Session.Cancellation));

    /// <summary>The keys come in no order, and the time left depends on the run.</summary>
    public static Call TimeToLive(long id, bool keys = false) => new($"LeaseTimeToLive {id} {keys}", async c =>
    {
        LeaseTimeToLiveResponse response = await new Lease.LeaseClient(c)
            .LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = id, Keys = keys }, cancellationToken: Session.Cancellation);
        ByteString[] sorted = [.. response.Keys.OrderBy(k => k.ToBase64(), StringComparer.Ordinal)];
        response.Keys.Clear();
        response.Keys.AddRange(sorted);
        Assert.InRange(response.TTL, -1, response.GrantedTTL);
        response.TTL = Math.Sign(response.TTL);
        return response;
    });

    /// <summary>Keeps leases alive over one stream, one after the other; the answer to each.</summary>
    public static Call KeepAlive(params long[] ids) => new($"LeaseKeepAlive {string.Join(", ", ids)}", async c =>
    {
        using var call = new Lease.LeaseClient(c).LeaseKeepAlive(cancellationToken: Session.Cancellation);
        var all = new LeaseLeasesResponse();
        foreach (long id in ids)
        {
            await call.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = id }, Session.Cancellation);
            Assert.True(await call.ResponseStream.MoveNext(Session.Cancellation));
            all.Header = call.ResponseStream.Current.Header;
            all.Leases.Add(new LeaseStatus { ID = call.ResponseStream.Current.ID });
            all.Leases.Add(new LeaseStatus { ID = call.ResponseStream.Current.TTL });
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext(Session.Cancellation));
        return all;
    });

    public static Call Leases() => new("LeaseLeases", async c => await new Lease.LeaseClient(c).LeaseLeasesAsync(new LeaseLeasesRequest(), cancellationToken: Session.Cancellation));

    public static Call Alarm(AlarmRequest.Types.AlarmAction action, AlarmType type, ulong member) => new($"Alarm {action} {type} {member}", async c =>
        await new Maintenance.MaintenanceClient(c).AlarmAsync(
            new AlarmRequest { Action = action, Alarm = type, MemberID = member }, cancellationToken: Session.Cancellation));

    public static Call Downgrade(DowngradeRequest.Types.DowngradeAction action, string version) => new($"Downgrade {action} \"{version}\"", async c =>
        await new Maintenance.MaintenanceClient(c).DowngradeAsync(
            new DowngradeRequest { Action = action, Version = version }, cancellationToken: Session.Cancellation));

    /// <summary>3.5 puts a space behind each field of an alarm's text, later ones between them.</summary>
    public static Call StatusErrors() => new("Status' errors", async c =>
    {
        StatusResponse status = await new Maintenance.MaintenanceClient(c).StatusAsync(new StatusRequest(), cancellationToken: Session.Cancellation);
        return new StatusResponse { Errors = { status.Errors.Select(e => e.TrimEnd()).Order(StringComparer.Ordinal) } };
    });

    public static RequestOp Op(PutRequest r) => new() { RequestPut = r };

    public static RequestOp Op(RangeRequest r) => new() { RequestRange = r };

    public static RequestOp Op(DeleteRangeRequest r) => new() { RequestDeleteRange = r };

    public static RequestOp Op(TxnRequest r) => new() { RequestTxn = r };

    public static PutRequest PutOf(string key, string value) => new() { Key = Utf8(key), Value = Utf8(value) };

    public static RangeRequest RangeOf(string key, string end = "") => new() { Key = Utf8(key), RangeEnd = Utf8(end) };

    public static DeleteRangeRequest DeleteOf(string key, string end = "") => new() { Key = Utf8(key), RangeEnd = Utf8(end) };
}
