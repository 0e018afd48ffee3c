using Etcd.Server.Primitives;

namespace Etcd.Server.Node;

/// <summary>Another state for the place of a damaged one. Begun and ended by the apply thread; given up by anybody before that.</summary>
/// <param name="index">The index of the last entry that is in it.</param>
/// <param name="term">That entry's term.</param>
/// <param name="open">Opens it: etcd's database, seekable.</param>
internal sealed class StateReplacement(LogIndex index, Term term, Func<Stream> open)
{
    private readonly TaskCompletionSource<bool> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _isTaken;

    public LogIndex Index { get; } = index;

    public Term Term { get; } = term;

    /// <summary>Whether it is in place now; false if it was given up with nothing changed.</summary>
    public Task<bool> Ended => _ended.Task;

    public Stream Open() => open();

    /// <summary>It is begun now, and will be ended.</summary>
    /// <returns>False if it was given up before.</returns>
    public bool TryBegin() => Interlocked.Exchange(ref _isTaken, 1) == 0;

    public void Complete() => _ended.TrySetResult(true);

    public void Fail(Exception why) => _ended.TrySetException(why);

    /// <summary>Gives it up, unless it was begun.</summary>
    public void GiveUp()
    {
        if (TryBegin())
        {
            _ended.TrySetResult(false);
        }
    }
}
