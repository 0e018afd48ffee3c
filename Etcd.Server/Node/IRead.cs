using Etcd.Protocol.Errors;

namespace Etcd.Server.Node;

/// <summary>One who waits until it is known that a read here would be linearizable. Answered once.</summary>
internal interface IRead : IAnswer
{
    /// <summary>The timestamp after which it is told that it timed out.</summary>
    long Deadline { get; }

    /// <summary>Whether nobody waits for it any more.</summary>
    bool IsGone { get; }

    /// <summary>What the answer is; null if the read may go on.</summary>
    EtcdError? Error { get; set; }

    /// <summary>Takes it out of a waiting list if it is gone, or its time is over.</summary>
    /// <returns>Whether it leaves the list.</returns>
    bool Expire(long before, EtcdError error, List<IRead> expired)
    {
        if (IsGone)
        {
            return true;
        }

        if (Deadline >= before)
        {
            return false;
        }

        Error = error;
        expired.Add(this);
        return true;
    }
}

/// <summary>A client's read.</summary>
internal sealed class ClientRead : TaskCompletionSource, IRead
{
    private CancellationTokenRegistration _cancellation;

    public ClientRead(long deadline, CancellationToken cancellation)
        : base(TaskCreationOptions.None)
    {
        Deadline = deadline;
        _cancellation = cancellation.UnsafeRegister(static (read, token) => ((ClientRead)read!).TrySetCanceled(token), this);
    }

    public long Deadline { get; }

    public bool IsGone => Task.IsCompleted;

    public EtcdError? Error { get; set; }

    public void Give()
    {
        _cancellation.Unregister();
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

/// <summary>A question of this member to itself: does it still lead.</summary>
internal sealed class LeadershipCheck(long deadline, Action<EtcdError?> answered) : IRead
{
    public long Deadline { get; } = deadline;

    public bool IsGone => false;

    public EtcdError? Error { get; set; }

    public void Give() => answered(Error);
}
