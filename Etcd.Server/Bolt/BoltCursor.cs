namespace Etcd.Server.Bolt;

/// <summary>
/// Goes once through keys and values in ascending order of the keys' bytes. Used by one thread.
/// </summary>
public abstract class BoltCursor
{
    /// <summary>The key; valid until the next <see cref="MoveNext"/>.</summary>
    public abstract ReadOnlySpan<byte> Key { get; }

    /// <summary>The value; valid until the next <see cref="MoveNext"/>.</summary>
    public abstract ReadOnlySpan<byte> Value { get; }

    /// <summary>Goes to the next key; the first call goes to the first one.</summary>
    /// <returns>False if there is none.</returns>
    public abstract bool MoveNext();
}
