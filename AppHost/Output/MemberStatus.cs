using AppHost.Cluster;
using Etcd.Protocol.Etcdserverpb;
using Grpc.Core;
using Grpc.Net.Client;

namespace AppHost.Output;

/// <summary>What a member says about itself; the ids are null where it does not answer.</summary>
internal sealed record MemberStatus(string Name, string ClientUrl, string State, ulong? Id, ulong? LeaderId)
{
    public const string Healthy = "healthy";

    private static readonly TimeSpan s_answerMax = TimeSpan.FromSeconds(5);

    /// <summary>A member whose process does not run.</summary>
    public static MemberStatus Down(MemberLayout member, string state) => new(member.Name, member.ClientUrl, state, null, null);

    /// <summary>Asks a member (Maintenance.Status). One that does not answer is a row of the table, not an exception.</summary>
    public static async Task<MemberStatus> AskAsync(MemberLayout member, CancellationToken cancellationToken)
    {
        using var channel = GrpcChannel.ForAddress(member.ClientUrl);
        try
        {
            var status = await new Maintenance.MaintenanceClient(channel).StatusAsync(
                new StatusRequest(), deadline: DateTime.UtcNow + s_answerMax, cancellationToken: cancellationToken);
            var state = status.Leader == 0 ? "no leader" : Healthy;
            return new(member.Name, member.ClientUrl, state, status.Header.MemberId, status.Leader);
        }
        catch (RpcException e) when (!cancellationToken.IsCancellationRequested)
        {
            return Down(member, $"no status ({e.StatusCode})");
        }
    }
}
