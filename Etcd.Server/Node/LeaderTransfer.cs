using Etcd.Protocol.Errors;
using Etcd.Server.Primitives;

namespace Etcd.Server.Node;

/// <summary>One who waits for the leadership to go to a certain member.</summary>
internal sealed class LeaderTransfer(MemberId target, long deadline) : TaskCompletionSource(TaskCreationOptions.None), IAnswer
{
    public MemberId Target { get; } = target;

    public long Deadline { get; } = deadline;

    /// <summary>Why it did not come to that; null if it did.</summary>
    public EtcdError? Error { get; set; }

    public void Give()
    {
        if (Error is null)
        {
            TrySetResult();
        }
        else
        {
            TrySetException(Error.ToException());
        }
    }
}
