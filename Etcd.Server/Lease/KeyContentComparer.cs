namespace Etcd.Server.Lease;

/// <summary>Keys by content.</summary>
internal sealed class KeyContentComparer : IEqualityComparer<ReadOnlyMemory<byte>>
{
    public static readonly KeyContentComparer Instance = new();

    public bool Equals(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceEqual(y.Span);

    public int GetHashCode(ReadOnlyMemory<byte> obj)
    {
        var hash = new HashCode();
        hash.AddBytes(obj.Span);
        return hash.ToHashCode();
    }
}
