using Etcd.Protocol.Wire;
using Etcd.Server.Primitives;

namespace Etcd.Server.Apply.Requests;

/// <summary>An etcdserverpb.PutRequest, read from its bytes without objects; the spans lie in them.</summary>
public readonly ref struct PutRequestView
{
    /// <summary>Reads a request.</summary>
    /// <param name="message">Its encoded bytes.</param>
    /// <exception cref="ProtoFormatException">They are no such message.</exception>
    public PutRequestView(ReadOnlySpan<byte> message)
    {
        var reader = new ProtoReader(message);
        for (uint tag = reader.ReadTag(); tag != 0; tag = reader.ReadTag())
        {
            switch (tag)
            {
                case (1 << 3) | 2:
                    Key = reader.ReadBytes();
                    break;
                case (2 << 3) | 2:
                    Value = reader.ReadBytes();
                    break;
                case 3 << 3:
                    Lease = new LeaseId(reader.ReadInt64());
                    break;
                case 4 << 3:
                    PrevKv = reader.ReadBool();
                    break;
                case 5 << 3:
                    IgnoreValue = reader.ReadBool();
                    break;
                case 6 << 3:
                    IgnoreLease = reader.ReadBool();
                    break;
                default:
                    reader.Skip(tag);
                    break;
            }
        }
    }

    /// <summary>The key.</summary>
    public ReadOnlySpan<byte> Key { get; }

    /// <summary>The value.</summary>
    public ReadOnlySpan<byte> Value { get; }

    /// <summary>The lease, or none.</summary>
    public LeaseId Lease { get; }

    /// <summary>The answer is to have the key as it was.</summary>
    public bool PrevKv { get; }

    /// <summary>Keep the value that the key has.</summary>
    public bool IgnoreValue { get; }

    /// <summary>Keep the lease that the key has.</summary>
    public bool IgnoreLease { get; }

    /// <summary>Whether the key must be looked up first.</summary>
    public bool NeedsPrevious => PrevKv || IgnoreValue || IgnoreLease;

    /// <summary>Whether the key must exist.</summary>
    public bool RequiresPrevious => IgnoreValue || IgnoreLease;
}
