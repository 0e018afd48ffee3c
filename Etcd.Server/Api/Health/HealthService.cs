using Etcd.Protocol.Health;
using Grpc.Core;
using ServingStatus = Etcd.Protocol.Health.HealthCheckResponse.Types.ServingStatus;

namespace Etcd.Server.Api.Health;

/// <summary>grpc.health.v1, with grpc-go's answers to names that are not known.</summary>
/// <param name="state">What is told.</param>
/// <param name="api">The node.</param>
internal sealed class HealthService(ServingState state, ApiContext api) : Protocol.Health.Health.HealthBase
{
    /// <inheritdoc/>
    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context) =>
        request.Service == ServingState.Everything
            ? Task.FromResult(new HealthCheckResponse { Status = state.Current.Status })
            : throw new RpcException(new Status(StatusCode.NotFound, "unknown service"));

    /// <inheritdoc/>
    public override Task<HealthListResponse> List(HealthListRequest request, ServerCallContext context) => Task.FromResult(new HealthListResponse
    {
        Statuses = { [ServingState.Everything] = new HealthCheckResponse { Status = state.Current.Status } },
    });

    /// <inheritdoc/>
    public override async Task Watch(
        HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, api.Stopping);
        try
        {
            while (true)
            {
                (ServingStatus status, Task changed) = state.Current;
                bool isKnown = request.Service == ServingState.Everything;
                await responseStream.WriteAsync(
                    new HealthCheckResponse { Status = isKnown ? status : ServingStatus.ServiceUnknown }, ended.Token).ConfigureAwait(false);
                // Services do not come later: who asks for another waits for ever.
                await (isKnown ? changed : Task.Delay(Timeout.Infinite, ended.Token)).WaitAsync(ended.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            throw new RpcException(new Status(StatusCode.Cancelled, "Stream has ended."));
        }
    }
}
