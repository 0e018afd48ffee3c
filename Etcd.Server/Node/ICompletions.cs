namespace Etcd.Server.Node;

/// <summary>
/// Where the continuations of completed requests run: never inside the step that completed them, because they belong to
/// callers. Hosting gives the thread pool; the simulator runs them in its own order.
/// </summary>
public interface ICompletions
{
    /// <summary>Runs a piece of work soon, on a thread that may be blocked by nobody but the work itself.</summary>
    /// <param name="work">The work.</param>
    void Post(IThreadPoolWorkItem work);
}

/// <summary>Answers for several requests: one hand-over for all of them instead of one each.</summary>
internal sealed class CompletionBatch : IThreadPoolWorkItem
{
    /// <summary>
    /// Requests per hand-over. Small enough that two cores share the answers of one log batch, large enough that the
    /// hand-over is a small part of the cost.
    /// </summary>
    public const int Size = 16;

    private readonly Proposal[] _proposals = new Proposal[Size];
    private int _count;

    public bool IsFull => _count == Size;

    public void Add(Proposal proposal) => _proposals[_count++] = proposal;

    public void Execute()
    {
        for (int i = 0; i < _count; i++)
        {
            Proposal proposal = _proposals[i];
            Apply.ApplyOutcome outcome = proposal.Outcome!;
            if (outcome.Error is null)
            {
                proposal.TrySetResult(outcome);
            }
            else
            {
                proposal.TrySetException(outcome.Error.ToException());
            }
        }
    }
}
