namespace Etcd.Simulation.Engine;

/// <summary>A small hash that is the same everywhere (FNV-1a, 64 bits).</summary>
internal static class Fnv
{
    public const ulong Start = 0xCBF29CE484222325;

    public static ulong Of(ReadOnlySpan<byte> bytes, ulong hash = Start)
    {
        foreach (byte b in bytes)
        {
            hash = (hash ^ b) * 0x100000001B3;
        }

        return hash;
    }

    public static ulong Of(ulong value, ulong hash)
    {
        hash = (hash ^ value) * 0x100000001B3;
        return hash ^ (hash >> 31);
    }
}
