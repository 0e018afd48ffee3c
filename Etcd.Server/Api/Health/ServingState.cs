using ServingStatus = Etcd.Protocol.Health.HealthCheckResponse.Types.ServingStatus;

namespace Etcd.Server.Api.Health;

/// <summary>
/// What grpc.health.v1 says. As in etcd there is one service, the server as a whole, whose name is empty; it is SERVING from the first
/// call on, because calls wait until the member has started. Any thread.
/// </summary>
internal sealed class ServingState
{
    /// <summary>The name of the server as a whole.</summary>
    public const string Everything = "";

    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = New();
    private ServingStatus _status = ServingStatus.Serving;

    /// <summary>The state now, and a task that completes at the next change.</summary>
    public (ServingStatus Status, Task Changed) Current
    {
        get
        {
            lock (_gate)
            {
                return (_status, _changed.Task);
            }
        }
    }

    /// <summary>Sets the state; who watches is told if it is another.</summary>
    /// <param name="isServing">Whether calls are served: not while the store is rewritten, if its operator wants that.</param>
    public void Set(bool isServing)
    {
        TaskCompletionSource told;
        lock (_gate)
        {
            ServingStatus status = isServing ? ServingStatus.Serving : ServingStatus.NotServing;
            if (status == _status)
            {
                return;
            }

            _status = status;
            told = _changed;
            _changed = New();
        }

        told.SetResult();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
