using Etcd.Server.Apply;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Node;

/// <summary>
/// A request that waits for its command to be applied. Completed once, by the apply thread, a timeout or the stop: whoever takes
/// it out of <see cref="PendingRequests"/>.
/// </summary>
/// <param name="id">The request's id.</param>
/// <param name="type">What its entry is.</param>
/// <param name="data">The entry's data.</param>
/// <param name="began">The timestamp (of the injected clock) of the request.</param>
/// <param name="deadline">The timestamp after which the client is told that it timed out.</param>
internal class Proposal(ulong id, EntryType type, ReadOnlyMemory<byte> data, long began, long deadline)
    : TaskCompletionSource<ApplyOutcome>(TaskCreationOptions.None), IAnswer
{
    private ApplyOutcome? _outcome;

    public ulong Id { get; } = id;

    public EntryType Type { get; } = type;

    public ReadOnlyMemory<byte> Data { get; } = data;

    public long Began { get; } = began;

    public long Deadline { get; } = deadline;

    /// <summary>The field number of its command; zero for a change of the membership.</summary>
    public int Field { get; init; }

    /// <summary>The only term in which it may be proposed, by its leader; zero where that does not matter.</summary>
    public Term OnlyIn { get; init; }

    /// <summary>
    /// Whether it has an outcome, or was given up: it must not enter the log any more, because its client may have asked again.
    /// </summary>
    public bool IsSettled => Volatile.Read(ref _outcome) is not null;

    /// <summary>Sets what <see cref="Give"/> will say.</summary>
    public void Settle(ApplyOutcome outcome) => Volatile.Write(ref _outcome, outcome);

    /// <inheritdoc/>
    public virtual void Give()
    {
        ApplyOutcome outcome = _outcome!;
        if (outcome.Error is { } error)
        {
            TrySetException(error.ToException());
        }
        else
        {
            TrySetResult(outcome);
        }
    }
}
