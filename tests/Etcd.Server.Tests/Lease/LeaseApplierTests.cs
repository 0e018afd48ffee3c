using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Apply;
using Google.Protobuf;

namespace Etcd.Server.Tests.Lease;

/// <summary>The lease commands of the log, from bytes to outcome.</summary>
public sealed class LeaseApplierTests
{
    private readonly LeaseBench _bench = new();
    private readonly LeaseApplier _applier;
    private long _revision = 5;

    public LeaseApplierTests() => _applier = new LeaseApplier(_bench.Leases, _bench, () => _revision + _bench.Deletions.Count);

    [Fact]
    public void A_grant_answers_with_id_and_ttl()
    {
        ApplyOutcome outcome = Grant(id: -42, ttl: 1);

        Assert.Null(outcome.Error);
        Assert.Equal(5, outcome.Revision);
        Assert.Equal(new LeaseGrantResponse { ID = -42, TTL = 2 }, LeaseGrantResponse.Parser.ParseFrom(outcome.Body.Span));
    }

    [Fact]
    public void Refused_grants_have_etcds_errors()
    {
        Grant(1, 10);

        Assert.Same(EtcdErrors.LeaseExists, Grant(1, 10).Error);
        Assert.Same(EtcdErrors.LeaseTtlTooLarge, Grant(2, 9_000_000_001).Error);
        Assert.Same(EtcdErrors.LeaseNotFound, Grant(0, 10).Error);
    }

    [Fact]
    public void A_revoke_answers_with_the_revision_of_its_deletes()
    {
        Grant(1, 10);
        _bench.Leases.Attach(LeaseBench.Id(1), LeaseBench.Key("k"));
        _revision = 8;

        ApplyOutcome outcome = Revoke(1);
        Assert.Null(outcome.Error);
        Assert.Equal(9, outcome.Revision);
        Assert.True(outcome.Body.IsEmpty);
        Assert.Same(EtcdErrors.LeaseNotFound, Revoke(1).Error);
    }

    [Fact]
    public void A_checkpoint_passes_over_leases_that_are_gone()
    {
        Grant(1, 100);
        var request = new LeaseCheckpointRequest();
        request.Checkpoints.Add(new LeaseCheckpoint { ID = 7, RemainingTTL = 1 });
        request.Checkpoints.Add(new LeaseCheckpoint { ID = 1, RemainingTTL = 60 });

        Assert.Null(_applier.Checkpoint(request.ToByteArray()).Error);
        Assert.Equal(60, Assert.Single(_bench.Leases.Records()).RemainingSeconds);
    }

    [Fact]
    public void Bytes_that_are_no_command_are_not_applied() =>
        Assert.Throws<InvalidProtocolBufferException>(() => _applier.Grant(new byte[] { 0xff }));

    private ApplyOutcome Grant(long id, long ttl) => _applier.Grant(new LeaseGrantRequest { ID = id, TTL = ttl }.ToByteArray());

    private ApplyOutcome Revoke(long id) => _applier.Revoke(new LeaseRevokeRequest { ID = id }.ToByteArray());
}
