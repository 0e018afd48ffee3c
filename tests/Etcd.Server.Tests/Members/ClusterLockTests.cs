using Etcd.Protocol.V3Lockpb;
using Etcd.Server.Api.Concurrency;
using Etcd.Server.Primitives;
using Etcd.Server.Storage;
using Google.Protobuf;
using Grpc.Core;

namespace Etcd.Server.Tests.Members;

/// <summary>
/// Goal: a lock is one in the whole cluster, and who waits for it outlives the end of the leader. Method: whole members in this process;
/// the services of two of them.
/// </summary>
[Collection(nameof(ClusterTests))]
public sealed class ClusterLockTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AWaiterOnAnotherMemberGetsTheLockAfterTheLeaderHasGone()
    {
        await using InProcessCluster cluster = await InProcessCluster.StartAsync(3);
        RunningMember leader = await cluster.WaitForLeaderAsync();
        RunningMember[] others = [.. cluster.Running.Values.Where(m => m != leader)];
        LeaseId first = await others[0].GrantAsync(600);
        LeaseId second = await others[1].GrantAsync(600);
        LockResponse held = await Lock(others[0], first);

        Task<LockResponse> waiting = Lock(others[1], second);
        await InProcessCluster.UntilAsync("two in line", () => InLine(others[0]) == 2 && InLine(others[1]) == 2);
        await cluster.KillAsync(leader.Name);
        Assert.False(waiting.IsCompleted);
        await InProcessCluster.UntilAsync("the lock to be free", async () =>
        {
            try
            {
                await new LockService(others[0].Member.Api).Unlock(new UnlockRequest { Key = held.Key }, new TestCall(Cancel));
                return true;
            }
            catch (RpcException)
            {
                return false;
            }
        });

        LockResponse next = await waiting.WaitAsync(InProcessCluster.Patience, Cancel);
        Assert.NotEqual(held.Key, next.Key);
        Assert.Equal(1, InLine(others[1]));
    }

    private static Task<LockResponse> Lock(RunningMember member, LeaseId lease) => new LockService(member.Member.Api).Lock(
        new LockRequest { Name = ByteString.CopyFromUtf8("l"), Lease = lease.Value }, new TestCall(Cancel));

    private static int InLine(RunningMember member)
    {
        var result = new RangeResult();
        member.Member.Store.Range(new RangeQuery { Key = "l/"u8, RangeEnd = "l0"u8 }, result);
        return result.Kvs.Length;
    }
}
