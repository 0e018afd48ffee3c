using Etcd.Server.Apply;

namespace Etcd.Server.Node;

/// <summary>A request that waits for its command to be applied. Completed once, by the apply thread, a timeout or the stop.</summary>
internal sealed class Proposal(RaftCommand command, long deadline)
    : TaskCompletionSource<ApplyOutcome>(TaskCreationOptions.None)
{
    /// <summary>What is proposed; sealed.</summary>
    public RaftCommand Command { get; } = command;

    /// <summary>The timestamp (of the injected clock) after which the client is told that it timed out.</summary>
    public long Deadline { get; } = deadline;

    /// <summary>The outcome on its way from the apply thread to <see cref="CompletionBatch"/>.</summary>
    public ApplyOutcome? Outcome { get; set; }
}
