namespace Etcd.TestKit.Linearizability;

/// <summary>Numbers that stand for things in a memo. The same in every run, unlike string.GetHashCode.</summary>
internal static class Fingerprints
{
    /// <summary>FNV-1a, mixed.</summary>
    public static ulong Of(string text)
    {
        ulong hash = 14695981039346656037;
        foreach (char c in text)
        {
            hash = (hash ^ c) * 1099511628211;
        }

        return Mix(hash);
    }

    /// <summary>The finalizer of splitmix64: every bit of the result depends on every bit of the number.</summary>
    public static ulong Mix(ulong number)
    {
        number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
        number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
        return number ^ (number >> 31);
    }

    /// <summary>The number of one operation of a history: the set of those that are placed is the exclusive or of theirs.</summary>
    public static UInt128 OfOperation(int index) =>
        new(Mix(((ulong)index + 1) * 0x9e3779b97f4a7c15), Mix(((ulong)index + 1) * 0xd1b54a32d192ed03));
}
