using Etcd.Server.Primitives;

namespace Etcd.Server.Node;

/// <content>What repairs a damaged store: applying that waits, and a state that is replaced. Any thread.</content>
public sealed partial class MemberNode
{
    /// <summary>
    /// Whether nothing can be applied here, because data that it needs are damaged: requests and linearizable reads are refused until
    /// the state is replaced. The log goes on, and so do votes.
    /// </summary>
    public bool IsDamaged => _apply.IsDamaged;

    /// <summary>
    /// Committed entries behind an index wait, and who waits for them waits too, until <see cref="ReleaseApply"/> or until the state is
    /// replaced.
    /// </summary>
    /// <param name="after">The last index that may still be applied; zero for what is applied by now.</param>
    public void HoldApply(LogIndex after)
    {
        _apply.Hold(after);
        ApplyWork();
    }

    /// <summary>Nothing waits any more.</summary>
    public void ReleaseApply()
    {
        _apply.Release();
        ApplyWork();
    }

    /// <summary>
    /// Replaces the state by that of another member at an index that is not before what is applied here. It happens when all entries up
    /// to the index are applied; hold those behind it (<see cref="HoldApply"/>). Or, where nothing can be applied, when they have come.
    /// The log is not touched.
    /// </summary>
    /// <param name="index">The index of the last entry that is in it.</param>
    /// <param name="term">That entry's term.</param>
    /// <param name="open">Opens it: etcd's database, seekable. Called by the apply thread.</param>
    /// <param name="cancellation">It is not wanted any more; without effect once it has begun.</param>
    /// <returns>
    /// True when it is in place and visible; false if it was given up, or something newer is there. Faults, with nothing changed, with
    /// <see cref="InvalidDataException"/> if it is no such state, and with <see cref="Io.FileSystemException"/> if the disk is full.
    /// </returns>
    public async Task<bool> ReplaceStateAsync(LogIndex index, Term term, Func<Stream> open, CancellationToken cancellation)
    {
        var replacement = new StateReplacement(index, term, open);
        _apply.Replace(replacement);
        if (Volatile.Read(ref _stopped) is not null)
        {
            // The stop may have looked before this was there.
            _apply.FailReplacement();
        }

        ApplyWork();
        using CancellationTokenRegistration cancelled = cancellation.UnsafeRegister(
            static r => ((StateReplacement)r!).GiveUp(), replacement);
        return await replacement.Ended.ConfigureAwait(false);
    }
}
