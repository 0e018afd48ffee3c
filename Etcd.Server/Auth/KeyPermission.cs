namespace Etcd.Server.Auth;

/// <summary>What a permission allows; authpb.Permission.Type's numbers. A number that is not here allows nothing and is kept as it came.</summary>
public enum PermissionKind
{
    /// <summary>To read.</summary>
    Read = 0,

    /// <summary>To write.</summary>
    Write = 1,

    /// <summary>Both.</summary>
    ReadWrite = 2,
}

/// <summary>A permission of a role. Its arrays never change.</summary>
/// <param name="Kind">What it allows.</param>
/// <param name="Key">The key, or the first of the range.</param>
/// <param name="RangeEnd">Where the range ends, exclusive; empty for the one key, a zero byte for all from the key on.</param>
public sealed record KeyPermission(PermissionKind Kind, byte[] Key, byte[] RangeEnd)
{
    /// <summary>Whether it allows a kind of access.</summary>
    /// <param name="access">The access.</param>
    public bool Allows(KeyAccess access) =>
        Kind == PermissionKind.ReadWrite || Kind == (access == KeyAccess.Read ? PermissionKind.Read : PermissionKind.Write);

    /// <summary>Whether it is about exactly these keys.</summary>
    /// <param name="key">The first key.</param>
    /// <param name="rangeEnd">The end.</param>
    public bool IsAbout(ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd) =>
        Key.AsSpan().SequenceEqual(key) && RangeEnd.AsSpan().SequenceEqual(rangeEnd);

    /// <summary>Whether keys can be granted: there are any, and the range does not end before it begins.</summary>
    /// <param name="key">The first key.</param>
    /// <param name="rangeEnd">The end.</param>
    public static bool IsValidRange(ReadOnlySpan<byte> key, ReadOnlySpan<byte> rangeEnd) =>
        !key.IsEmpty && (rangeEnd.IsEmpty || KeyRanges.IsOpenEnd(rangeEnd) || key.SequenceCompareTo(rangeEnd) < 0);
}
