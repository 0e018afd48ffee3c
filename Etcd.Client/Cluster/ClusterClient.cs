using Etcd.Protocol.Etcdserverpb;

namespace Etcd.Client;

/// <summary>The members of the cluster.</summary>
internal sealed class ClusterClient(EtcdConnection connection) : IEtcdCluster
{
    private readonly Caller _caller = connection.Caller;

    public async ValueTask<IReadOnlyList<EtcdMember>> ListMembersAsync(bool linearizable, EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        var request = new MemberListRequest { Linearizable = linearizable };
        MemberListResponse response = await _caller.CallAsync(Methods.MemberList, request, options, cancellationToken).ConfigureAwait(false);
        return [.. response.Members.Select(EtcdMember.From)];
    }

    public async ValueTask<EtcdMember> AddMemberAsync(
        IEnumerable<string> peerUrls, bool isLearner, EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        var request = new MemberAddRequest { PeerURLs = { peerUrls }, IsLearner = isLearner };
        return EtcdMember.From(
            (await _caller.CallAsync(Methods.MemberAdd, request, options, cancellationToken).ConfigureAwait(false)).Member);
    }

    public async ValueTask RemoveMemberAsync(ulong memberId, EtcdCallOptions? options, CancellationToken cancellationToken) =>
        await _caller.CallAsync(
            Methods.MemberRemove, new MemberRemoveRequest { ID = memberId }, options, cancellationToken).ConfigureAwait(false);

    public async ValueTask UpdateMemberAsync(
        ulong memberId, IEnumerable<string> peerUrls, EtcdCallOptions? options, CancellationToken cancellationToken)
    {
        var request = new MemberUpdateRequest { ID = memberId, PeerURLs = { peerUrls } };
        await _caller.CallAsync(Methods.MemberUpdate, request, options, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask PromoteMemberAsync(ulong memberId, EtcdCallOptions? options, CancellationToken cancellationToken) =>
        await _caller.CallAsync(
            Methods.MemberPromote, new MemberPromoteRequest { ID = memberId }, options, cancellationToken).ConfigureAwait(false);

    public ValueTask SyncEndpointsAsync(CancellationToken cancellationToken) => connection.SyncEndpointsAsync(cancellationToken);
}
