using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Primitives;
using Grpc.Core;

namespace Etcd.Server.Api.Cluster;

/// <summary>etcdserverpb.Cluster: who the members are, and changes of that.</summary>
/// <param name="api">The node.</param>
internal sealed class ClusterService(ApiContext api) : Protocol.Etcdserverpb.Cluster.ClusterBase
{
    /// <inheritdoc/>
    public override async Task<MemberAddResponse> MemberAdd(MemberAddRequest request, ServerCallContext context)
    {
        // Before the rights, as in etcd.
        api.Changes.CheckUrls(request.PeerURLs);
        await api.Auth.RequireAdminAsync(context).ConfigureAwait(false);
        (Membership.Member added, IReadOnlyList<Membership.Member> members) = await api.Changes.AddAsync(
            request.PeerURLs, request.IsLearner, context.CancellationToken).ConfigureAwait(false);
        var response = new MemberAddResponse { Header = Header(), Member = Message(added) };
        response.Members.AddRange(members.Select(Message));
        return response;
    }

    /// <inheritdoc/>
    public override async Task<MemberRemoveResponse> MemberRemove(MemberRemoveRequest request, ServerCallContext context)
    {
        await api.Auth.RequireAdminAsync(context).ConfigureAwait(false);
        IReadOnlyList<Membership.Member> members = await api.Changes.RemoveAsync(
            new MemberId(request.ID), context.CancellationToken).ConfigureAwait(false);
        var response = new MemberRemoveResponse { Header = Header() };
        response.Members.AddRange(members.Select(Message));
        return response;
    }

    /// <inheritdoc/>
    public override async Task<MemberUpdateResponse> MemberUpdate(MemberUpdateRequest request, ServerCallContext context)
    {
        await api.Auth.RequireAdminAsync(context).ConfigureAwait(false);
        IReadOnlyList<Membership.Member> members = await api.Changes.UpdateAsync(
            new MemberId(request.ID), request.PeerURLs, context.CancellationToken).ConfigureAwait(false);
        var response = new MemberUpdateResponse { Header = Header() };
        response.Members.AddRange(members.Select(Message));
        return response;
    }

    /// <inheritdoc/>
    public override async Task<MemberPromoteResponse> MemberPromote(MemberPromoteRequest request, ServerCallContext context)
    {
        await api.Auth.RequireAdminAsync(context).ConfigureAwait(false);
        string? token = context.RequestHeaders.GetValue("token") ?? context.RequestHeaders.GetValue("authorization");
        IReadOnlyList<Membership.Member> members = await api.Changes.PromoteAsync(
            new MemberId(request.ID), token, context.CancellationToken).ConfigureAwait(false);
        var response = new MemberPromoteResponse { Header = Header() };
        response.Members.AddRange(members.Select(Message));
        return response;
    }

    /// <inheritdoc/>
    public override async Task<MemberListResponse> MemberList(MemberListRequest request, ServerCallContext context)
    {
        if (request.Linearizable)
        {
            await api.Reads.LinearizeAsync(context.CancellationToken).ConfigureAwait(false);
        }

        await api.Auth.RequireUserAsync(context).ConfigureAwait(false);
        var response = new MemberListResponse { Header = Header() };
        response.Members.AddRange(api.Status.Members.Select(Message));
        return response;
    }

    private static Protocol.Etcdserverpb.Member Message(Membership.Member member)
    {
        var message = new Protocol.Etcdserverpb.Member { ID = member.Id.Value, Name = member.Name, IsLearner = member.IsLearner };
        message.PeerURLs.AddRange(member.PeerUrls);
        message.ClientURLs.AddRange(member.ClientUrls);
        return message;
    }

    private Protocol.Etcdserverpb.ResponseHeader Header() => ResponseHeader.Message(api.Status, revision: 0);
}
