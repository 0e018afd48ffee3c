using System.Security.Cryptography;
using Etcd.Protocol.Errors;
using Etcd.TestKit.Network;

namespace Etcd.Client.Tests.Suites;

/// <summary>Goal: what members of both servers do for those who run them.</summary>
public abstract class MaintenanceSuite : CoordinationSuite
{
    [Fact]
    public async Task A_member_tells_its_status_and_hashes()
    {
        EtcdPutResult put = await Client.Kv.PutAsync(Prefix + "k", "v", cancellationToken: Token);

        EtcdMemberStatus status = await Client.Maintenance.GetStatusAsync(Url, cancellationToken: Token);
        EtcdHashKv one = await Client.Maintenance.GetHashKvAsync(Url, put.Revision, cancellationToken: Token);
        await Client.Kv.PutAsync(Prefix + "k", "w", cancellationToken: Token);
        EtcdHashKv same = await Client.Maintenance.GetHashKvAsync(Url, put.Revision, cancellationToken: Token);
        EtcdHashKv other = await Client.Maintenance.GetHashKvAsync(Url, cancellationToken: Token);

        Assert.Equal(status.Header.MemberId, status.Leader);
        Assert.True(status.Header.Revision >= put.Revision);
        Assert.Equal(one.Hash, same.Hash);
        Assert.NotEqual(one.Hash, other.Hash);
        Assert.NotEqual(0u, await Client.Maintenance.GetHashAsync(Url, cancellationToken: Token));
    }

    [Fact]
    public async Task A_snapshot_comes_as_a_stream_with_its_hash_behind_it()
    {
        await Client.Kv.PutAsync(Prefix + "k", new byte[100_000], cancellationToken: Token);
        using var whole = new MemoryStream();

        await using (EtcdSnapshotStream snapshot = await Client.Maintenance.SnapshotAsync(cancellationToken: Token))
        {
            await snapshot.CopyToAsync(whole, Token);
            Assert.Equal(whole.Length, snapshot.Position);
        }

        byte[] bytes = whole.ToArray();
        Assert.True(bytes.Length > 100_000);
        Assert.Equal(SHA256.HashData(bytes.AsSpan(0, bytes.Length - 32)), bytes[^32..]);
        await using EtcdSnapshotStream again = await Client.Maintenance.SnapshotAsync(Url, cancellationToken: Token);
        byte[] small = new byte[7];
        await again.ReadExactlyAsync(small, Token);
        Assert.Equal(bytes[..7], small);
        Assert.Throws<NotSupportedException>(() => again.Read(small, 0, 7));
    }

    /// <summary>The connection is lost in the middle: nothing of that looks like a whole snapshot.</summary>
    [Fact]
    public async Task A_snapshot_that_is_cut_off_is_an_error()
    {
        EtcdClient direct = Client;
        await direct.Kv.PutAsync(Prefix + "k", new byte[1_000_000], cancellationToken: Token);
        await direct.Kv.PutAsync(Prefix + "l", new byte[1_000_000], cancellationToken: Token);
        FaultProxy proxy = NewProxy();
        proxy.ResetAfterBytes = _ => 300_000;
        EtcdClient client = NewClient(proxy.Url);

        await Assert.ThrowsAsync<EtcdUnavailableException>(async () =>
        {
            await using EtcdSnapshotStream snapshot = await client.Maintenance.SnapshotAsync(cancellationToken: Token);
            await snapshot.CopyToAsync(Stream.Null, Token);
        });
    }

    [Fact]
    public async Task No_alarm_is_raised_and_a_leader_that_is_alone_stays()
    {
        Assert.Empty(await Client.Maintenance.ListAlarmsAsync(cancellationToken: Token));

        var bad = await Assert.ThrowsAsync<EtcdException>(async () => await Client.Maintenance.MoveLeaderAsync(12345, cancellationToken: Token));

        Assert.Equal(EtcdErrorId.BadLeaderTransferee, bad.ErrorId);
    }
}
