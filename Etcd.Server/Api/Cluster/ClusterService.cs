using Etcd.Protocol.Etcdserverpb;
using Grpc.Core;

namespace Etcd.Server.Api.Cluster;

/// <summary>etcdserverpb.Cluster: who the members are. Changes of the membership are Unimplemented while there is one member.</summary>
/// <param name="api">The node.</param>
internal sealed class ClusterService(ApiContext api) : Protocol.Etcdserverpb.Cluster.ClusterBase
{
    /// <inheritdoc/>
    public override async Task<MemberListResponse> MemberList(MemberListRequest request, ServerCallContext context)
    {
        if (request.Linearizable)
        {
            await api.Reads.LinearizeAsync(context.CancellationToken).ConfigureAwait(false);
        }

        var response = new MemberListResponse { Header = ResponseHeader.Message(api.Status, revision: 0) };
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
}
