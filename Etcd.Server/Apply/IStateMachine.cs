using Etcd.Server.Primitives;
using Etcd.Server.Raft;

namespace Etcd.Server.Apply;

/// <summary>
/// The replicated state as the log's owner sees it: committed entries go in, in order, each exactly once. Called by one
/// thread at a time; reads no clock, no random number, no culture, so that every member gets to the same state.
/// </summary>
public interface IStateMachine
{
    /// <summary>Applies one committed entry of type <see cref="EntryType.Normal"/>. Readers see nothing of it before <see cref="Publish"/>.</summary>
    /// <param name="entry">The next entry.</param>
    /// <param name="requestId">The id of the request that it carries; zero if none.</param>
    /// <returns>The outcome for whoever waits for that id; null where nobody can wait.</returns>
    ApplyOutcome? Apply(in Entry entry, out ulong requestId);

    /// <summary>Applies one committed change of the membership. Readers may see it at once.</summary>
    /// <param name="entry">The next entry, of type <see cref="EntryType.ConfChange"/>.</param>
    /// <param name="requestId">The id of the request that it carries; zero if none.</param>
    /// <param name="change">What raft must be told; with nobody as its member where the change was refused.</param>
    /// <returns>The outcome for whoever waits for that id.</returns>
    ApplyOutcome ApplyConfChange(in Entry entry, out ulong requestId, out ConfChange change);

    /// <summary>Makes everything that was applied visible to readers and watchers, in one step.</summary>
    /// <param name="applied">The index of the last applied entry.</param>
    void Publish(LogIndex applied);

    /// <summary>
    /// What was applied since the last <see cref="Publish"/> is given up, because an entry met damaged data half way: readers stay with
    /// what was published, and nothing more is applied before the whole state is replaced.
    /// </summary>
    void Abandon();

    /// <summary>Whether <see cref="Maintain"/> has something to do.</summary>
    bool NeedsMaintenance { get; }

    /// <summary>
    /// Does one small step of work that can wait (freeing what was compacted). Called between batches, never with entries
    /// applied and not published.
    /// </summary>
    /// <returns>
    /// When to call again: zero if there is more, a moment if it waits for readers,
    /// <see cref="Timeout.InfiniteTimeSpan"/> if there is nothing left.
    /// </returns>
    TimeSpan Maintain();
}
