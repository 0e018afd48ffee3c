using Etcd.Protocol.Errors;
using Etcd.Protocol.Etcdserverpb;
using Etcd.Server.Primitives;
using Grpc.Core;

namespace Etcd.Server.Api.Maintenance;

/// <summary>
/// etcdserverpb.Maintenance: the member's status, and the list of alarms. The other calls are Unimplemented until their
/// rooms exist.
/// </summary>
/// <param name="api">The node.</param>
internal sealed class MaintenanceService(ApiContext api) : Protocol.Etcdserverpb.Maintenance.MaintenanceBase
{
    /// <inheritdoc/>
    public override Task<StatusResponse> Status(StatusRequest request, ServerCallContext context)
    {
        var response = new StatusResponse
        {
            Header = ResponseHeader.Message(api.Status, api.Status.Revision),
            Version = EtcdVersion.Server,
            StorageVersion = EtcdVersion.Cluster,
            Leader = api.Status.Leader.Value,
            RaftIndex = api.Status.Committed.Value,
            RaftAppliedIndex = api.Status.Applied.Value,
            RaftTerm = api.Status.Term.Value,
            DbSize = api.Status.StoreBytes,
            DbSizeInUse = api.Status.StoreBytesInUse,
            DowngradeInfo = new DowngradeInfo(),
        };
        if (api.Status.Leader.IsNone)
        {
            response.Errors.Add(EtcdErrors.NoLeader.Text);
        }

        return Task.FromResult(response);
    }

    /// <summary>
    /// Lists the alarms: none, because nothing here can raise one yet. It goes by a linearizable read, because clients take
    /// the answer as a sign that the cluster works.
    /// </summary>
    public override async Task<AlarmResponse> Alarm(AlarmRequest request, ServerCallContext context)
    {
        if (request.Action != AlarmRequest.Types.AlarmAction.Get)
        {
            throw new RpcException(new Status(StatusCode.Unimplemented, "alarms can be listed only"));
        }

        await api.Reads.LinearizeAsync(context.CancellationToken).ConfigureAwait(false);
        return new AlarmResponse { Header = ResponseHeader.Message(api.Status, api.Status.Revision) };
    }
}
