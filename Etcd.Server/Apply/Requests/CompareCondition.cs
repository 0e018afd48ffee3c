using Etcd.Protocol.Wire;
using Etcd.Server.Storage;

namespace Etcd.Server.Apply.Requests;

/// <summary>One condition of a transaction, etcdserverpb.Compare.</summary>
public sealed class CompareCondition
{
    private const int Equal = 0;
    private const int Greater = 1;
    private const int Less = 2;
    private const int NotEqual = 3;

    private const int TargetVersion = 0;
    private const int TargetCreate = 1;
    private const int TargetMod = 2;
    private const int TargetValue = 3;
    private const int TargetLease = 4;

    // The numbers of the union's fields follow the targets' from here on.
    private const int UnionFirstField = 4;

    private readonly int _result;
    private readonly int _target;
    private readonly int _unionField;
    private readonly long _number;
    private readonly ReadOnlyMemory<byte> _value;

    /// <summary>Reads a condition.</summary>
    /// <param name="message">Its encoded bytes, which it keeps slices of.</param>
    /// <exception cref="ProtoFormatException">They are no such message.</exception>
    public CompareCondition(ReadOnlyMemory<byte> message)
    {
        var reader = new ProtoReader(message.Span);
        for (uint tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            switch (tag)
            {
                case 1 << 3:
                    _result = reader.ReadInt32();
                    break;
                case 2 << 3:
                    _target = reader.ReadInt32();
                    break;
                case (3 << 3) | 2:
                    Key = message.Slice(reader, out reader);
                    break;
                case 4 << 3 or 5 << 3 or 6 << 3 or 8 << 3:
                    _unionField = (int)(tag >> 3);
                    _number = reader.ReadInt64();
                    break;
                case (7 << 3) | 2:
                    _unionField = 7;
                    _value = message.Slice(reader, out reader);
                    break;
                case (64 << 3) | 2:
                    RangeEnd = message.Slice(reader, out reader);
                    break;
                default:
                    reader.Skip(tag);
                    break;
            }
        }
    }

    /// <summary>The key, or the first of the range.</summary>
    public ReadOnlyMemory<byte> Key { get; }

    /// <summary>As in <see cref="RangeQuery.RangeEnd"/>; the condition must hold for every key that exists in the range.</summary>
    public ReadOnlyMemory<byte> RangeEnd { get; }

    // A union of another kind than the target stands for the target's zero, as etcd has it.
    private bool HasUnion => _unionField == UnionFirstField + _target;

    /// <summary>Whether it holds for what a read of its range has found.</summary>
    /// <param name="found">The existing keys. If there are none, a key whose every number is 0 is compared; a value never compares.</param>
    /// <returns>Whether it holds.</returns>
    public bool Holds(RangeResult found)
    {
        if (found.Kvs.IsEmpty)
            return _target != TargetValue && Holds(default(KeyValueFields));

        foreach (ReadOnlyMemory<byte> record in found.Kvs)
        {
            if (!Holds(KeyValueFields.Parse(record.Span)))
                return false;
        }

        return true;
    }

    private bool Holds(in KeyValueFields key)
    {
        int order = _target switch
        {
            TargetVersion => key.Version.CompareTo(Number),
            TargetCreate => key.CreateRevision.CompareTo(Number),
            TargetMod => key.ModRevision.CompareTo(Number),
            TargetValue => key.Value.SequenceCompareTo(HasUnion ? _value.Span : default),
            TargetLease => key.Lease.Value.CompareTo(Number),
            _ => 0,
        };
        return _result switch
        {
            Equal => order == 0,
            NotEqual => order != 0,
            Greater => order > 0,
            Less => order < 0,
            _ => true,
        };
    }

    private long Number => HasUnion ? _number : 0;
}
