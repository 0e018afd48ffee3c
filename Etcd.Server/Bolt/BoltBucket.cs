namespace Etcd.Server.Bolt;

/// <summary>
/// A bucket to be written. <see cref="Open"/> is called twice, first to compute where everything goes and then to write it,
/// and must give the same keys and value lengths both times; keys strictly ascending, 1 to 32768 bytes long.
/// </summary>
/// <param name="Name">The bucket's name.</param>
/// <param name="Open">Begins to go through its content.</param>
public sealed record BoltBucket(string Name, Func<BoltCursor> Open)
{
    /// <summary>A bucket whose content is in memory.</summary>
    /// <param name="name">The bucket's name.</param>
    /// <param name="entries">Its content, ascending by key.</param>
    public static BoltBucket Of(string name, IReadOnlyList<KeyValuePair<byte[], byte[]>> entries) =>
        new(name, () => new ListCursor(entries));

    private sealed class ListCursor(IReadOnlyList<KeyValuePair<byte[], byte[]>> entries) : BoltCursor
    {
        private int _at = -1;

        public override ReadOnlySpan<byte> Key => entries[_at].Key;

        public override ReadOnlySpan<byte> Value => entries[_at].Value;

        public override bool MoveNext() => ++_at < entries.Count;
    }
}
