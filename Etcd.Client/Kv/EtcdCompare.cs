using Etcd.Protocol.Etcdserverpb;

namespace Etcd.Client;

/// <summary>
/// A condition of a transaction: something of a key, or of every key of a range, compared with a number or value. A key that does not
/// exist has version and revisions 0.
/// </summary>
/// <example>
/// <code>
/// EtcdCompare absent = EtcdCompare.NotExists("locks/a");
/// EtcdCompare unchanged = EtcdCompare.ModRevision("config/color").EqualTo(seen.ModRevision);
/// </code>
/// </example>
public sealed class EtcdCompare
{
    private readonly EtcdRange _range;
    private readonly Compare.Types.CompareTarget _target;
    private readonly Compare.Types.CompareResult _result;
    private readonly long _number;
    private readonly EtcdValue _value;

    private EtcdCompare(EtcdRange range, Compare.Types.CompareTarget target, Compare.Types.CompareResult result, long number, EtcdValue value)
    {
        if (range.Start.IsEmpty)
            throw new ArgumentException("The key of a condition must not be empty.", nameof(range));
        _range = range;
        _target = target;
        _result = result;
        _number = number;
        _value = value;
    }

    /// <summary>The key exists.</summary>
    public static EtcdCompare Exists(EtcdKey key) => CreateRevision(key).NotEqualTo(0);

    /// <summary>The key does not exist.</summary>
    public static EtcdCompare NotExists(EtcdKey key) => CreateRevision(key).EqualTo(0);

    /// <summary>The number of changes since the key was made.</summary>
    public static EtcdNumberCompare Version(EtcdKey key) => Version(EtcdRange.Single(key));

    /// <summary>The same of every key of a range.</summary>
    public static EtcdNumberCompare Version(EtcdRange range) => new(range, Compare.Types.CompareTarget.Version);

    /// <summary>The revision that made the key.</summary>
    public static EtcdNumberCompare CreateRevision(EtcdKey key) => CreateRevision(EtcdRange.Single(key));

    /// <summary>The same of every key of a range.</summary>
    public static EtcdNumberCompare CreateRevision(EtcdRange range) => new(range, Compare.Types.CompareTarget.Create);

    /// <summary>The revision of the last change.</summary>
    public static EtcdNumberCompare ModRevision(EtcdKey key) => ModRevision(EtcdRange.Single(key));

    /// <summary>The same of every key of a range.</summary>
    public static EtcdNumberCompare ModRevision(EtcdRange range) => new(range, Compare.Types.CompareTarget.Mod);

    /// <summary>The lease, by its number.</summary>
    public static EtcdNumberCompare Lease(EtcdKey key) => Lease(EtcdRange.Single(key));

    /// <summary>The same of every key of a range.</summary>
    public static EtcdNumberCompare Lease(EtcdRange range) => new(range, Compare.Types.CompareTarget.Lease);

    /// <summary>The value, byte by byte. False for a key that does not exist.</summary>
    public static EtcdValueCompare Value(EtcdKey key) => Value(EtcdRange.Single(key));

    /// <summary>The same of every key of a range.</summary>
    public static EtcdValueCompare Value(EtcdRange range) => new(range);

    internal static EtcdCompare Make(EtcdRange range, Compare.Types.CompareTarget target, Compare.Types.CompareResult result, long number) =>
        new(range, target, result, number, default);

    internal static EtcdCompare Make(EtcdRange range, Compare.Types.CompareResult result, EtcdValue value) =>
        new(range, Compare.Types.CompareTarget.Value, result, 0, value);

    internal Compare ToMessage(EtcdKey prefix)
    {
        EtcdRange range = _range.Below(prefix);
        var message = new Compare { Key = range.Start.ToByteString(), RangeEnd = range.End.ToByteString(), Target = _target, Result = _result };
        switch (_target)
        {
            case Compare.Types.CompareTarget.Version:
                message.Version = _number;
                break;
            case Compare.Types.CompareTarget.Create:
                message.CreateRevision = _number;
                break;
            case Compare.Types.CompareTarget.Mod:
                message.ModRevision = _number;
                break;
            case Compare.Types.CompareTarget.Lease:
                message.Lease = _number;
                break;
            default:
                message.Value = _value.ToByteString();
                break;
        }

        return message;
    }
}

/// <summary>The number of a key that a condition compares.</summary>
public readonly struct EtcdNumberCompare : IEquatable<EtcdNumberCompare>
{
    private readonly EtcdRange _range;
    private readonly Compare.Types.CompareTarget _target;

    internal EtcdNumberCompare(EtcdRange range, Compare.Types.CompareTarget target)
    {
        _range = range;
        _target = target;
    }

    /// <summary>Whether both are of the same number of the same keys.</summary>
    public static bool operator ==(EtcdNumberCompare left, EtcdNumberCompare right) => left.Equals(right);

    /// <summary>Whether they are not.</summary>
    public static bool operator !=(EtcdNumberCompare left, EtcdNumberCompare right) => !left.Equals(right);

    /// <summary>It is this.</summary>
    public EtcdCompare EqualTo(long number) => EtcdCompare.Make(_range, _target, Compare.Types.CompareResult.Equal, number);

    /// <summary>It is not this.</summary>
    public EtcdCompare NotEqualTo(long number) => EtcdCompare.Make(_range, _target, Compare.Types.CompareResult.NotEqual, number);

    /// <summary>It is above this.</summary>
    public EtcdCompare GreaterThan(long number) => EtcdCompare.Make(_range, _target, Compare.Types.CompareResult.Greater, number);

    /// <summary>It is below this.</summary>
    public EtcdCompare LessThan(long number) => EtcdCompare.Make(_range, _target, Compare.Types.CompareResult.Less, number);

    /// <inheritdoc/>
    public bool Equals(EtcdNumberCompare other) => _range == other._range && _target == other._target;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is EtcdNumberCompare other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_range, _target);
}

/// <summary>The value of a key that a condition compares.</summary>
public readonly struct EtcdValueCompare : IEquatable<EtcdValueCompare>
{
    private readonly EtcdRange _range;

    internal EtcdValueCompare(EtcdRange range) => _range = range;

    /// <summary>Whether both are of the same keys.</summary>
    public static bool operator ==(EtcdValueCompare left, EtcdValueCompare right) => left.Equals(right);

    /// <summary>Whether they are not.</summary>
    public static bool operator !=(EtcdValueCompare left, EtcdValueCompare right) => !left.Equals(right);

    /// <summary>It is this.</summary>
    public EtcdCompare EqualTo(EtcdValue value) => EtcdCompare.Make(_range, Compare.Types.CompareResult.Equal, value);

    /// <summary>It is not this.</summary>
    public EtcdCompare NotEqualTo(EtcdValue value) => EtcdCompare.Make(_range, Compare.Types.CompareResult.NotEqual, value);

    /// <summary>It comes behind this in byte order.</summary>
    public EtcdCompare GreaterThan(EtcdValue value) => EtcdCompare.Make(_range, Compare.Types.CompareResult.Greater, value);

    /// <summary>It comes before this in byte order.</summary>
    public EtcdCompare LessThan(EtcdValue value) => EtcdCompare.Make(_range, Compare.Types.CompareResult.Less, value);

    /// <inheritdoc/>
    public bool Equals(EtcdValueCompare other) => _range == other._range;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is EtcdValueCompare other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _range.GetHashCode();
}
