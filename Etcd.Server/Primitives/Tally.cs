namespace Etcd.Server.Primitives;

/// <summary>
/// A number that many threads add to and few read: each core has a place of its own, so that nobody waits for another one's cache line.
/// Any thread.
/// </summary>
public sealed class Tally
{
    // Cache lines are 64 bytes, fetched in pairs.
    private const int Stride = 16;
    private static readonly int Places = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(Environment.ProcessorCount, 1, 16));

    private readonly long[] _cells = new long[(Places + 1) * Stride];

    /// <summary>The number.</summary>
    public long Value
    {
        get
        {
            long sum = 0;
            for (int i = 1; i <= Places; i++)
            {
                sum += Volatile.Read(ref _cells[i * Stride]);
            }

            return sum;
        }
    }

    /// <summary>Adds one.</summary>
    public void Add() => Add(1);

    /// <summary>Adds.</summary>
    /// <param name="count">How many.</param>
    public void Add(long count) =>
        Interlocked.Add(ref _cells[((Thread.GetCurrentProcessorId() & (Places - 1)) + 1) * Stride], count);
}
