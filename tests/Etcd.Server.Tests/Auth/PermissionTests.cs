using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply;
using Google.Protobuf;
using static Etcd.Server.Tests.Auth.AuthBench;

namespace Etcd.Server.Tests.Auth;

/// <summary>Goal: what a command needs a right for, at its place in the log. Method: the state machine alone, commands of several users.</summary>
public sealed class PermissionTests
{
    private readonly AuthBench _bench = new AuthBench().WithUsers();

    [Theory]
    [InlineData("alice", "both", true)]
    [InlineData("alice", "write", true)]
    [InlineData("alice", "read", false)]
    [InlineData("alice", "app/x", true)]
    [InlineData("alice", "app0", false)]
    [InlineData("alice", "app", false)]
    [InlineData("bob", "both", false)]
    [InlineData("root", "anything", true)]
    [InlineData("ghost", "both", false)]
    public void Puts_need_the_right_to_write(string user, string key, bool isAllowed) =>
        Assert.Equal(isAllowed ? null : Denied, _bench.As(user, Put(key)).Error);

    [Fact]
    public void Nobody_may_do_anything_that_needs_a_right()
    {
        InternalRaftRequest[] commands = [Put("both"), Delete("both"), Txn(Range("both")), AddUser("x"), AddRole("x"), Enable(), Disable()];
        Assert.All(commands, c => Assert.Equal(EtcdErrors.UserEmpty, _bench.Nobody(c).Error));
        Assert.Null(_bench.Nobody(new InternalRaftRequest { AuthStatus = new AuthStatusRequest() }).Error);
    }

    [Fact]
    public void What_is_refused_changes_nothing_but_the_index()
    {
        long revision = _bench.State.Store.CurrentRevision;
        ulong auth = _bench.Auth.Revision;
        InternalRaftRequest[] commands = [Put("secret"), Delete("\0", "\0"), Txn(Op(Put("both")), Op(Put("secret"))), AddUser("x"), Disable()];
        Assert.All(commands, c => Assert.Equal(Denied, _bench.As("alice", c).Error));
        Assert.Equal(revision, _bench.State.Store.CurrentRevision);
        Assert.Equal(auth, _bench.Auth.Revision);
    }

    [Theory]
    [InlineData("both", "", false, true)]
    [InlineData("write", "", false, true)]
    [InlineData("write", "", true, false)]
    [InlineData("read", "", false, false)]
    [InlineData("app/", "app0", true, true)]
    [InlineData("app/", "app1", false, false)]
    [InlineData("app/", "\0", false, false)]
    [InlineData("\0", "\0", false, false)]
    public void Deletes_need_the_right_to_the_whole_range_and_to_read_what_they_tell(string key, string end, bool prevKv, bool isAllowed) =>
        Assert.Equal(isAllowed ? null : Denied, _bench.As("alice", Delete(key, end, prevKv)).Error);

    /// <summary>GHSA-x35m-3gp4-4fh5 (CVE-2026-44283): a put told the value before to whoever may only write.</summary>
    [Fact]
    public void A_put_that_tells_what_was_there_needs_the_right_to_read()
    {
        Assert.Null(_bench.As("alice", Put("write")).Error);
        Assert.Equal(Denied, _bench.As("alice", Put("write", prevKv: true)).Error);
        Assert.Null(_bench.As("alice", Put("both", prevKv: true)).Error);
    }

    /// <summary>GHSA-rfx7-8w68-q57q (CVE-2026-33343): what stood in a transaction within a transaction was not looked at.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void Transactions_are_looked_through_in_both_branches_at_any_depth(int depth)
    {
        RequestOp[] forbidden =
        [
            Op(Put("secret")), Op(Put("read")), Op(Put("write", prevKv: true)), Op(Delete("read")), Op(Delete("write", prevKv: true)), Op(Delete("app/", "\0")), Range("secret"),
            Range("write"), Range("app/", "\0"), Range("\0", "\0"),
        ];
        foreach (RequestOp op in forbidden)
        {
            Assert.Equal(Denied, _bench.As("alice", Nested(depth, op)).Error);
            Assert.Equal(Denied, _bench.As("alice", Nested(depth, op, inFailure: true)).Error);
            Assert.Null(_bench.As("root", Nested(depth, op)).Error);
        }

        RequestOp[] allowed = [Op(Put("both", prevKv: true)), Op(Put("write")), Op(Delete("app/", "app0", prevKv: true)), Range("read"), Range("app/", "app0")];
        Assert.All(allowed, op => Assert.Null(_bench.As("alice", Nested(depth, op)).Error));
    }

    [Fact]
    public void Conditions_need_the_right_to_read()
    {
        Assert.Null(_bench.As("alice", Compare("read", "")).Error);
        Assert.Null(_bench.As("alice", Compare("app/", "app0")).Error);
        Assert.Equal(Denied, _bench.As("alice", Compare("write", "")).Error);
        Assert.Equal(Denied, _bench.As("alice", Compare("read", "\0")).Error);
        Assert.Equal(Denied, _bench.As("alice", Nested(3, Op(Compare("secret", "")))).Error);

        static InternalRaftRequest Compare(string key, string end) => new()
        {
            Txn = new TxnRequest
            {
                Compare = { new Compare { Key = ByteString.CopyFromUtf8(key), RangeEnd = ByteString.CopyFromUtf8(end), Target = Protocol.Etcdserverpb.Compare.Types.CompareTarget.Version } },
            },
        };
    }

    /// <summary>GHSA-rfx7-8w68-q57q: whoever attaches a key to a lease, or ends the lease, decides about all of the lease's keys.</summary>
    [Fact]
    public void A_lease_is_used_by_whoever_may_write_all_of_its_keys()
    {
        _bench.Ok("root", new InternalRaftRequest { LeaseGrant = new LeaseGrantRequest { ID = 1, TTL = 100 } }, new InternalRaftRequest { LeaseGrant = new LeaseGrantRequest { ID = 2, TTL = 100 } });
        _bench.Ok("root", Put("secret", lease: 1), Put("both", lease: 2));
        Assert.Equal(Denied, _bench.As("alice", Put("both", lease: 1)).Error);
        Assert.Equal(Denied, _bench.As("alice", Nested(2, Op(Put("both", lease: 1)))).Error);
        Assert.Equal(Denied, _bench.As("alice", Revoke(1)).Error);
        Assert.Null(_bench.As("alice", Put("write", lease: 2)).Error);
        Assert.Equal(Denied, _bench.As("bob", Revoke(2)).Error);
        Assert.Null(_bench.As("alice", Revoke(2)).Error);
        Assert.Equal(EtcdErrors.LeaseNotFound, _bench.As("alice", Revoke(9)).Error);
        Assert.Null(_bench.As("root", Revoke(1)).Error);

        static InternalRaftRequest Revoke(long id) => new() { LeaseRevoke = new LeaseRevokeRequest { ID = id } };
    }

    [Fact]
    public void What_was_asked_before_rights_changed_is_refused()
    {
        ulong before = _bench.Auth.Revision;
        Assert.Null(_bench.As("alice", Put("both"), before).Error);
        _bench.Ok("root", AddRole("new"));
        Assert.Equal(EtcdErrors.AuthOldRevision, _bench.As("alice", Put("both"), before).Error);
        Assert.Equal(EtcdErrors.AuthOldRevision, _bench.As("root", Put("both"), before).Error);
        // Root administers with an old revision too, as in etcd.
        Assert.Null(_bench.As("root", AddRole("newer"), before).Error);
        Assert.Null(_bench.As("alice", Put("both")).Error);
    }

    [Fact]
    public void A_user_is_told_of_itself_and_of_its_roles_only()
    {
        Assert.Null(_bench.As("alice", GetUser("alice")).Error);
        Assert.Equal(Denied, _bench.As("alice", GetUser("bob")).Error);
        Assert.Equal(EtcdErrors.UserNotFound, _bench.As("ghost", GetUser("bob")).Error);
        Assert.Null(_bench.As("alice", GetRole("app")).Error);
        Assert.Equal(Denied, _bench.As("bob", GetRole("app")).Error);
        Assert.Equal(EtcdErrors.UserNotFound, _bench.As("root", GetUser("ghost")).Error);
        Assert.Equal(EtcdErrors.RoleNotFound, _bench.As("root", GetRole("ghost")).Error);

        static InternalRaftRequest GetUser(string name) => new() { AuthUserGet = new AuthUserGetRequest { Name = name } };
        static InternalRaftRequest GetRole(string name) => new() { AuthRoleGet = new AuthRoleGetRequest { Role = name } };
    }

    /// <summary>etcd's chain: an alarm that is raised speaks before the rights are looked at.</summary>
    [Fact]
    public void Alarms_come_before_rights()
    {
        _bench.Ok("root", new InternalRaftRequest { Alarm = new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Activate, MemberID = 1, Alarm = AlarmType.Corrupt } });
        Assert.Equal(EtcdErrors.Corrupt, _bench.As("bob", Put("secret")).Error);
        Assert.Null(_bench.As("root", AddUser("new")).Error);
    }

    [Fact]
    public void All_that_administers_is_roots()
    {
        foreach (InternalRaftRequest command in AuthStateTests.Administration())
        {
            AuthBench bench = new AuthBench().WithUsers();
            Assert.Equal(EtcdErrors.UserEmpty, bench.Nobody(command.Clone()).Error);
            Assert.Equal(Denied, bench.As("alice", command.Clone()).Error);
            Assert.Equal(EtcdErrors.UserNotFound, bench.As("ghost", command.Clone()).Error);
            ApplyOutcome outcome = bench.As("root", command.Clone());
            Assert.True(outcome.Error is null, $"{command}: {outcome.Error}");
        }
    }
}
