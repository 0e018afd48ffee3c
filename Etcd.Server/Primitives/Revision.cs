namespace Etcd.Server.Primitives;

/// <summary>
/// The place of one change in the store's history. <see cref="Main"/> counts committed write requests and is what
/// clients see; <see cref="Sub"/> numbers the changes inside one request, from 0.
/// Revisions order first by main, then by sub. The first write of a new cluster has main 2, as in etcd: revision 1 is the
/// empty store.
/// </summary>
/// <param name="Main">The revision of the request, from 1.</param>
/// <param name="Sub">The position of the change inside the request, from 0.</param>
public readonly record struct Revision(long Main, long Sub) : IComparable<Revision>
{
    /// <inheritdoc/>
    public int CompareTo(Revision other)
    {
        int byMain = Main.CompareTo(other.Main);
        return byMain != 0 ? byMain : Sub.CompareTo(other.Sub);
    }

    /// <summary>Whether <paramref name="left"/> comes before <paramref name="right"/> in history.</summary>
    public static bool operator <(Revision left, Revision right) => left.CompareTo(right) < 0;

    /// <summary>Whether <paramref name="left"/> comes after <paramref name="right"/> in history.</summary>
    public static bool operator >(Revision left, Revision right) => left.CompareTo(right) > 0;

    /// <summary>Whether <paramref name="left"/> is not after <paramref name="right"/>.</summary>
    public static bool operator <=(Revision left, Revision right) => left.CompareTo(right) <= 0;

    /// <summary>Whether <paramref name="left"/> is not before <paramref name="right"/>.</summary>
    public static bool operator >=(Revision left, Revision right) => left.CompareTo(right) >= 0;

    /// <inheritdoc/>
    public override string ToString() => $"{Main}/{Sub}";
}
