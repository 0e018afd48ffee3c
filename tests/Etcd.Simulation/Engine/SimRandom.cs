using System.Numerics;

namespace Etcd.Simulation.Engine;

/// <summary>
/// The one source of chance of a run: xoshiro256**, seeded by splitmix64 (Blackman and Vigna). Written out here because a seed
/// must give the same run on every version of .NET, and the algorithm of <see cref="Random"/> is not promised. It is a
/// <see cref="Random"/> so that the simulated disk can draw from it.
/// </summary>
internal sealed class SimRandom : Random
{
    private ulong _a;
    private ulong _b;
    private ulong _c;
    private ulong _d;

    public SimRandom(ulong seed)
    {
        _a = SplitMix(ref seed);
        _b = SplitMix(ref seed);
        _c = SplitMix(ref seed);
        _d = SplitMix(ref seed);
    }

    /// <summary>A generator of its own for a part of the run, so that a draw more in one part does not move all others.</summary>
    public SimRandom Fork() => new(NextBits());

    public ulong NextBits()
    {
        ulong result = BitOperations.RotateLeft(_b * 5, 7) * 9;
        ulong shifted = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= shifted;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>Whether something with this probability happens now. Draws nothing for what never happens.</summary>
    public bool Chance(double probability) => probability > 0 && NextDouble() < probability;

    /// <summary>A number from [from, to], with small ones as likely as large ones (uniform in the logarithm).</summary>
    public long LogUniform(long from, long to)
    {
        double low = Math.Log(from + 1.0);
        double high = Math.Log(to + 1.0);
        return Math.Clamp((long)(Math.Exp(low + ((high - low) * NextDouble())) - 1.0), from, to);
    }

    /// <summary>One of them.</summary>
    public T Pick<T>(IReadOnlyList<T> items) => items[Next(items.Count)];

    public override int Next() => (int)(NextBits() >> 33);

    public override int Next(int maxValue) => Next(0, maxValue);

    public override int Next(int minValue, int maxValue)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxValue, minValue);
        ulong range = (ulong)((long)maxValue - minValue);
        return (int)(minValue + (long)Math.BigMul(NextBits(), range, out _));
    }

    public override long NextInt64(long maxValue) => NextInt64(0, maxValue);

    public override long NextInt64(long minValue, long maxValue)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxValue, minValue);
        return (long)((ulong)minValue + Math.BigMul(NextBits(), (ulong)(maxValue - minValue), out _));
    }

    public override double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    public override void NextBytes(Span<byte> buffer)
    {
        foreach (ref byte b in buffer)
        {
            b = (byte)(NextBits() >> 56);
        }
    }

    public override void NextBytes(byte[] buffer) => NextBytes(buffer.AsSpan());

    protected override double Sample() => NextDouble();

    private static ulong SplitMix(ref ulong state)
    {
        ulong z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
