namespace Etcd.Server.Storage.Index;

/// <summary>
/// Tells the single writer when no reader can still see what it has unlinked, without any lock.
/// <para>
/// Readers pin an epoch for the length of one read; the writer moves the epoch on when nobody is left in the one before the
/// current. What is unlinked during epoch e may be reused, or changed in a way that older views could not bear, once the
/// epoch is e + 2: the step to e + 1 makes new readers start from the new state, the step to e + 2 needs every reader of e
/// to be gone.
/// </para>
/// <para>
/// Soundness: a reader counts itself, then checks that the epoch is still the one that it counted itself in; the writer
/// changes the epoch, then looks at the counts. Both sides have a full fence in between, so either the reader sees the new
/// epoch and tries again, or the writer sees the reader. At most two epochs are occupied, so two counters per stripe do.
/// </para>
/// Threads: <see cref="Enter"/> from any thread; everything else from the writer's.
/// </summary>
internal sealed class EpochGate
{
    // 128 bytes apart: neighbouring processors prefetch cache lines in pairs.
    private const int StrideLongs = 16;

    private readonly long[] _readers;
    private readonly int _stripeMask;
    private long _epoch = 2;

    /// <summary>Makes a gate with about as many counters as the machine has processors.</summary>
    public EpochGate()
    {
        int stripes = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(Environment.ProcessorCount, 2, 128));
        _stripeMask = stripes - 1;
        _readers = new long[(stripes + 1) * StrideLongs];
    }

    /// <summary>The epoch at which everything that is unlinked by now is out of every reader's sight.</summary>
    public long GraceEpoch => _epoch + 2;

    /// <summary>Begins a read; dispose the pin at its end. Nothing may block while it is held.</summary>
    /// <returns>The pin.</returns>
    public Pin Enter()
    {
        int stripe = ((Thread.GetCurrentProcessorId() & _stripeMask) + 1) * StrideLongs;
        while (true)
        {
            long epoch = Volatile.Read(ref _epoch);
            ref long slot = ref _readers[stripe + (int)(epoch & 1)];
            Interlocked.Increment(ref slot);
            if (Volatile.Read(ref _epoch) == epoch)
                return new Pin(ref slot);

            Interlocked.Decrement(ref slot);
        }
    }

    /// <summary>Whether the epoch named by an earlier <see cref="GraceEpoch"/> has come.</summary>
    /// <param name="epoch">The epoch to wait for.</param>
    /// <returns>True when it has.</returns>
    public bool HasReached(long epoch) => _epoch >= epoch;

    /// <summary>Moves to the next epoch if no reader is left in the previous one.</summary>
    /// <returns>Whether it moved.</returns>
    public bool TryAdvance()
    {
        int parity = (int)((_epoch - 1) & 1);
        for (int at = StrideLongs + parity; at < _readers.Length; at += StrideLongs)
        {
            if (Volatile.Read(ref _readers[at]) != 0)
                return false;
        }

        Interlocked.Increment(ref _epoch);
        return true;
    }

    /// <summary>A reader's mark. Lives on the stack only, so it cannot outlast the read.</summary>
    public readonly ref struct Pin
    {
        private readonly ref long _slot;

        internal Pin(ref long slot) => _slot = ref slot;

        /// <summary>Ends the read.</summary>
        public void Dispose() => Interlocked.Decrement(ref _slot);
    }
}
