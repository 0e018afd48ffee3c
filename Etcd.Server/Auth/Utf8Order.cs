namespace Etcd.Server.Auth;

/// <summary>Names in the order of their bytes, which is how a database sorts them; .NET's ordinal order differs beyond U+FFFF.</summary>
internal sealed class Utf8Order : IComparer<string>
{
    /// <summary>The one.</summary>
    public static Utf8Order Instance { get; } = new();

    /// <inheritdoc/>
    public int Compare(string? x, string? y)
    {
        ReadOnlySpan<char> left = x;
        ReadOnlySpan<char> right = y;
        int same = left.CommonPrefixLength(right);
        if (same == left.Length || same == right.Length)
            return left.Length.CompareTo(right.Length);

        // A pair of surrogates stands for more than any other character, and would sort before U+E000 to U+FFFF.
        return char.IsSurrogate(left[same]) == char.IsSurrogate(right[same])
            ? left[same].CompareTo(right[same])
            : char.IsSurrogate(left[same]).CompareTo(char.IsSurrogate(right[same]));
    }
}
