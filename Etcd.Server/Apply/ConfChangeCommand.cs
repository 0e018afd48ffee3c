using Etcd.Protocol.Raftpb;
using Etcd.Server.Membership;
using Etcd.Server.Primitives;
using Etcd.Server.Raft;
using Google.Protobuf;
using WireChange = Etcd.Protocol.Raftpb.ConfChange;

namespace Etcd.Server.Apply;

/// <summary>
/// A change of the membership as it stands in the log: raftpb.ConfChange, whose context is the member as JSON.
/// </summary>
/// <param name="RequestId">What waits for it; zero if nothing does.</param>
/// <param name="Kind">What it does.</param>
/// <param name="Id">Whom it is about.</param>
/// <param name="Member">The member as it shall be; null for a removal.</param>
/// <param name="IsPromotion">Whether a learner becomes a voter; nothing else of it changes then.</param>
public sealed record ConfChangeCommand(ulong RequestId, ConfChangeKind Kind, MemberId Id, Membership.Member? Member, bool IsPromotion)
{
    /// <summary>Adds a member, as a learner if it is one.</summary>
    /// <param name="member">The member.</param>
    public static ConfChangeCommand Add(Membership.Member member) =>
        new(0, member.IsLearner ? ConfChangeKind.AddLearner : ConfChangeKind.AddVoter, member.Id, member, IsPromotion: false);

    /// <summary>Makes a learner a voter.</summary>
    /// <param name="member">The learner, as it is known.</param>
    public static ConfChangeCommand Promote(Membership.Member member) =>
        new(0, ConfChangeKind.AddVoter, member.Id, member with { IsLearner = false }, IsPromotion: true);

    /// <summary>Takes a member out.</summary>
    /// <param name="id">The member.</param>
    public static ConfChangeCommand Remove(MemberId id) => new(0, ConfChangeKind.Remove, id, null, IsPromotion: false);

    /// <summary>Changes a member's peer URLs.</summary>
    /// <param name="member">The member with its new URLs.</param>
    public static ConfChangeCommand Update(Membership.Member member) =>
        new(0, ConfChangeKind.Update, member.Id, member, IsPromotion: false);

    /// <summary>The entry's data. All fields are written, zeros too, as Go members do.</summary>
    public byte[] Encode()
    {
        var change = new WireChange { Id = RequestId, Type = (ConfChangeType)Kind, NodeId = Id.Value };
        if (Member is not null)
        {
            change.Context = UnsafeByteOperations.UnsafeWrap(MemberJson.Encode(Member, IsPromotion));
        }

        return change.ToByteArray();
    }

    /// <summary>Reads an entry's data; throws if it is no such change, because then the log is not what it should be.</summary>
    /// <param name="data">The entry's data.</param>
    public static ConfChangeCommand Decode(ReadOnlySpan<byte> data)
    {
        WireChange change = WireChange.Parser.ParseFrom(data);
        Invariant.Check(change.Type <= ConfChangeType.ConfChangeAddLearnerNode, $"a membership change of an unknown kind: {change.Type}");
        var kind = (ConfChangeKind)change.Type;
        var id = new MemberId(change.NodeId);
        if (kind == ConfChangeKind.Remove)
        {
            return new ConfChangeCommand(change.Id, kind, id, null, IsPromotion: false);
        }

        Membership.Member member = MemberJson.Decode(change.Context.Memory, out bool isPromotion);
        Invariant.Check(member.Id == id, "a membership change names the member that its context describes");
        return new ConfChangeCommand(change.Id, kind, id, member, isPromotion);
    }
}
