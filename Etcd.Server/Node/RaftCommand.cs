using System.Buffers;
using System.Text;
using Etcd.Protocol.Wire;
using Etcd.Server.Apply;
using Etcd.Server.Auth;
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

    /// <summary>etcdserverpb.AuthEnableRequest.</summary>
    AuthEnable = CommandFields.AuthEnable,

    /// <summary>etcdserverpb.AuthDisableRequest.</summary>
    AuthDisable = CommandFields.AuthDisable,

    /// <summary>etcdserverpb.InternalAuthenticateRequest; its password is always empty.</summary>
    Authenticate = CommandFields.Authenticate,

    /// <summary>etcdserverpb.AuthStatusRequest.</summary>
    AuthStatus = CommandFields.AuthStatus,

    /// <summary>etcdserverpb.AuthUserAddRequest; with a hash in the place of the password.</summary>
    AuthUserAdd = CommandFields.AuthUserAdd,

    /// <summary>etcdserverpb.AuthUserDeleteRequest.</summary>
    AuthUserDelete = CommandFields.AuthUserDelete,

    /// <summary>etcdserverpb.AuthUserGetRequest.</summary>
    AuthUserGet = CommandFields.AuthUserGet,

    /// <summary>etcdserverpb.AuthUserChangePasswordRequest; with a hash in the place of the password.</summary>
    AuthUserChangePassword = CommandFields.AuthUserChangePassword,

    /// <summary>etcdserverpb.AuthUserGrantRoleRequest.</summary>
    AuthUserGrantRole = CommandFields.AuthUserGrantRole,

    /// <summary>etcdserverpb.AuthUserRevokeRoleRequest.</summary>
    AuthUserRevokeRole = CommandFields.AuthUserRevokeRole,

    /// <summary>etcdserverpb.AuthUserListRequest.</summary>
    AuthUserList = CommandFields.AuthUserList,

    /// <summary>etcdserverpb.AuthRoleListRequest.</summary>
    AuthRoleList = CommandFields.AuthRoleList,

    /// <summary>etcdserverpb.AuthRoleAddRequest.</summary>
    AuthRoleAdd = CommandFields.AuthRoleAdd,

    /// <summary>etcdserverpb.AuthRoleDeleteRequest.</summary>
    AuthRoleDelete = CommandFields.AuthRoleDelete,

    /// <summary>etcdserverpb.AuthRoleGetRequest.</summary>
    AuthRoleGet = CommandFields.AuthRoleGet,

    /// <summary>etcdserverpb.AuthRoleGrantPermissionRequest.</summary>
    AuthRoleGrantPermission = CommandFields.AuthRoleGrantPermission,

    /// <summary>etcdserverpb.AuthRoleRevokePermissionRequest.</summary>
    AuthRoleRevokePermission = CommandFields.AuthRoleRevokePermission,

    /// <summary>membershippb.ClusterVersionSetRequest.</summary>
    ClusterVersionSet = CommandFields.ClusterVersionSet,

    /// <summary>membershippb.ClusterMemberAttrSetRequest.</summary>
    ClusterMemberAttrSet = CommandFields.ClusterMemberAttrSet,

    /// <summary>membershippb.DowngradeInfoSetRequest.</summary>
    DowngradeInfoSet = CommandFields.DowngradeInfoSet,
}

/// <summary>
/// A client's request on its way into the log. The request's own bytes are copied once, into the buffer that becomes the
/// log entry: <c>[tag and length of the kind's field][request bytes][tag 100, length, RequestHeader{ID, username, auth_revision}]</c>.
/// The encoding of the header is reserved behind the request and filled in when the request gets its id.
/// Made by one thread and handed over; the bytes never change after <see cref="Seal"/>.
/// </summary>
public sealed class RaftCommand
{
    private const int HeaderField = 100;
    private const int IdField = 1;
    private const int UserField = 2;
    private const int AuthRevisionField = 3;

    // Tag and length of the header, and the id in it.
    private const int HeaderBytesMax = 2 + 3 + 1 + 10;

    private byte[] _buffer;
    private readonly int _payloadStart;
    private readonly int _payloadLength;
    private int _length;
    private AuthInfo _who = AuthInfo.Nobody;

    private RaftCommand(RaftCommandKind kind, int payloadLength, int userRoom)
    {
        Kind = kind;
        Span<byte> prefix = stackalloc byte[16];
        int tagLength = ProtoWriter.WriteVarint(prefix, ((ulong)kind << 3) | 2);
        int prefixLength = tagLength + ProtoWriter.WriteVarint(prefix[tagLength..], (ulong)payloadLength);
        _buffer = GC.AllocateUninitializedArray<byte>(prefixLength + payloadLength + HeaderBytesMax + userRoom);
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
    /// <param name="userRoom">Bytes that are set aside for <see cref="Identify"/>; with too few of them that costs a copy.</param>
    public static RaftCommand Create(RaftCommandKind kind, in ReadOnlySequence<byte> payload, int userRoom = 0)
    {
        var command = new RaftCommand(kind, checked((int)payload.Length), userRoom);
        payload.CopyTo(command._buffer.AsSpan(command._payloadStart));
        return command;
    }

    /// <inheritdoc cref="Create(RaftCommandKind, in ReadOnlySequence{byte}, int)"/>
    public static RaftCommand Create(RaftCommandKind kind, ReadOnlySpan<byte> payload, int userRoom = 0)
    {
        var command = new RaftCommand(kind, payload.Length, userRoom);
        payload.CopyTo(command._buffer.AsSpan(command._payloadStart));
        return command;
    }

    /// <summary>Says on whose behalf it is proposed; before it is. What is not said stands for nobody.</summary>
    /// <param name="who">The user, and the auth revision at which the user was known.</param>
    public void Identify(AuthInfo who)
    {
        Invariant.Check(_length == 0, "whose command it is is said before it is proposed");
        _who = who;
    }

    /// <summary>Writes the request id, and the user if there is one; once, by whoever proposes it.</summary>
    /// <param name="id">Unique in the cluster: waiting requests are matched by it.</param>
    public void Seal(ulong id)
    {
        Invariant.Check(_length == 0, "a command is proposed once");
        Id = id;
        int nameLength = Encoding.UTF8.GetByteCount(_who.Username);
        int headerLength = ProtoWriter.VarintFieldSize(IdField, id)
            + (nameLength == 0 ? 0 : ProtoWriter.BytesFieldSize(UserField, nameLength))
            + (_who.Revision == 0 ? 0 : ProtoWriter.VarintFieldSize(AuthRevisionField, _who.Revision));
        int at = _payloadStart + _payloadLength;
        int length = at + ProtoWriter.BytesFieldSize(HeaderField, headerLength);
        if (length > _buffer.Length)
            Array.Resize(ref _buffer, length);

        at += ProtoWriter.WriteLengthPrefix(_buffer.AsSpan(at), HeaderField, headerLength);
        at += ProtoWriter.WriteVarintField(_buffer.AsSpan(at), IdField, id);
        if (nameLength > 0)
        {
            at += ProtoWriter.WriteLengthPrefix(_buffer.AsSpan(at), UserField, nameLength);
            at += Encoding.UTF8.GetBytes(_who.Username, _buffer.AsSpan(at));
        }

        if (_who.Revision != 0)
            at += ProtoWriter.WriteVarintField(_buffer.AsSpan(at), AuthRevisionField, _who.Revision);

        _length = at;
    }
}
