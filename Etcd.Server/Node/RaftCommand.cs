using System.Buffers;
using Etcd.Protocol.Wire;
using Etcd.Server.Apply;
using Etcd.Server.Primitives;

namespace Etcd.Server.Node;

/// <summary>The commands of the replicated log, with their field numbers in etcdserverpb.InternalRaftRequest.</summary>
public enum RaftCommandKind
{
    /// <summary>etcdserverpb.PutRequest.</summary>
    Put = CommandFields.Put,

    /// <summary>etcdserverpb.DeleteRangeRequest.</summary>
    DeleteRange = CommandFields.DeleteRange,

    /// <summary>etcdserverpb.TxnRequest.</summary>
    Txn = CommandFields.Txn,

    /// <summary>etcdserverpb.CompactionRequest.</summary>
    Compaction = CommandFields.Compaction,

    /// <summary>etcdserverpb.LeaseGrantRequest; its ID is never 0 in the log.</summary>
    LeaseGrant = CommandFields.LeaseGrant,

    /// <summary>etcdserverpb.LeaseRevokeRequest.</summary>
    LeaseRevoke = CommandFields.LeaseRevoke,

    /// <summary>etcdserverpb.AlarmRequest.</summary>
    Alarm = CommandFields.Alarm,

    /// <summary>etcdserverpb.LeaseCheckpointRequest.</summary>
    LeaseCheckpoint = CommandFields.LeaseCheckpoint,

    /// <summary>membershippb.ClusterVersionSetRequest.</summary>
    ClusterVersionSet = CommandFields.ClusterVersionSet,

    /// <summary>membershippb.ClusterMemberAttrSetRequest.</summary>
    ClusterMemberAttrSet = CommandFields.ClusterMemberAttrSet,

    /// <summary>membershippb.DowngradeInfoSetRequest.</summary>
    DowngradeInfoSet = CommandFields.DowngradeInfoSet,
}

/// <summary>
/// A client's request on its way into the log. The request's own bytes are copied once, into the buffer that becomes the
/// log entry: <c>[tag and length of the kind's field][request bytes][tag 100, length, RequestHeader{ID}]</c>. The
/// encoding of the header is reserved behind the request and filled in when the request gets its id.
/// Made by one thread and handed over; the bytes never change after <see cref="Seal"/>.
/// </summary>
public sealed class RaftCommand
{
    private const int HeaderField = 100;
    private const int HeaderBytesMax = 2 + 1 + 1 + 10;

    private readonly byte[] _buffer;
    private readonly int _payloadStart;
    private readonly int _payloadLength;
    private int _length;

    private RaftCommand(RaftCommandKind kind, int payloadLength)
    {
        Kind = kind;
        Span<byte> prefix = stackalloc byte[16];
        int tagLength = ProtoWriter.WriteVarint(prefix, ((ulong)kind << 3) | 2);
        int prefixLength = tagLength + ProtoWriter.WriteVarint(prefix[tagLength..], (ulong)payloadLength);
        _buffer = GC.AllocateUninitializedArray<byte>(prefixLength + payloadLength + HeaderBytesMax);
        prefix[..prefixLength].CopyTo(_buffer);
        _payloadStart = prefixLength;
        _payloadLength = payloadLength;
    }

    /// <summary>What it is.</summary>
    public RaftCommandKind Kind { get; }

    /// <summary>The request's own encoded bytes.</summary>
    public ReadOnlyMemory<byte> Payload => new(_buffer, _payloadStart, _payloadLength);

    /// <summary>The request id; zero until sealed.</summary>
    public ulong Id { get; private set; }

    /// <summary>The log entry's bytes; valid once sealed.</summary>
    public ReadOnlyMemory<byte> Data
    {
        get
        {
            Invariant.Check(_length > 0, "a command is sealed before its bytes are used");
            return new(_buffer, 0, _length);
        }
    }

    /// <summary>Takes a copy of an encoded request, which must be valid protobuf already.</summary>
    /// <param name="kind">What it is.</param>
    /// <param name="payload">The encoded request.</param>
    public static RaftCommand Create(RaftCommandKind kind, in ReadOnlySequence<byte> payload)
    {
        var command = new RaftCommand(kind, checked((int)payload.Length));
        payload.CopyTo(command._buffer.AsSpan(command._payloadStart));
        return command;
    }

    /// <inheritdoc cref="Create(RaftCommandKind, in ReadOnlySequence{byte})"/>
    public static RaftCommand Create(RaftCommandKind kind, ReadOnlySpan<byte> payload)
    {
        var command = new RaftCommand(kind, payload.Length);
        payload.CopyTo(command._buffer.AsSpan(command._payloadStart));
        return command;
    }

    /// <summary>Writes the request id; once, by whoever proposes it.</summary>
    /// <param name="id">Unique in the cluster: waiting requests are matched by it.</param>
    public void Seal(ulong id)
    {
        Invariant.Check(_length == 0, "a command is proposed once");
        Id = id;
        Span<byte> header = _buffer.AsSpan(_payloadStart + _payloadLength);
        Span<byte> number = stackalloc byte[10];
        int numberLength = ProtoWriter.WriteVarint(number, id);
        int at = ProtoWriter.WriteVarint(header, (HeaderField << 3) | 2);
        header[at++] = (byte)(1 + numberLength);
        header[at++] = 1 << 3;
        number[..numberLength].CopyTo(header[at..]);
        _length = _payloadStart + _payloadLength + at + numberLength;
    }
}
