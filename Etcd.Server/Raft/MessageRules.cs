using Etcd.Server.Primitives;

namespace Etcd.Server.Raft;

/// <summary>What can be said of a message without knowing any log.</summary>
public static class MessageRules
{
    // Far above every real term and index, and far below where adding to one would overflow.
    private const ulong NumberMax = long.MaxValue;

    /// <summary>
    /// Whether messages of this type are a member's own affair: whoever takes messages from the network drops these.
    /// </summary>
    public static bool IsLocal(this MessageType type) =>
        type is MessageType.Hup or MessageType.Beat or MessageType.Unreachable or MessageType.SnapStatus or MessageType.CheckQuorum;

    /// <summary>
    /// Whether messages of this type go without a term: local ones, and what is passed on to whoever leads.
    /// </summary>
    internal static bool HasNoTerm(this MessageType type) => type.IsLocal() || type is MessageType.Prop or MessageType.ReadIndex;

    /// <summary>Whether only the leader of the message's term sends it.</summary>
    internal static bool IsFromLeader(this MessageType type) =>
        type is MessageType.App or MessageType.Heartbeat or MessageType.Snap;

    /// <summary>Whether it answers something that this member has sent.</summary>
    internal static bool IsAnswer(this MessageType type) =>
        type is MessageType.AppResp or MessageType.HeartbeatResp or MessageType.VoteResp or MessageType.PreVoteResp;

    /// <summary>
    /// Whether no correct member sends such a message. These are dropped before anything is believed of them (etcd #21518: a
    /// crafted message must not stop a member).
    /// </summary>
    internal static bool IsAbsurd(in Message message, MemberId me, Term now)
    {
        if (message.Type > MessageType.PreVoteResp || message.Type < MessageType.Hup
            || message.Term.Value > now.Value + Limits.TermJumpMax || message.LogTerm.Value > NumberMax || message.Index.Value > NumberMax
            || message.Commit.Value > NumberMax || message.RejectHint.Value > NumberMax)
        {
            return true;
        }

        if (message.Type.HasNoTerm())
        {
            return message.Type == MessageType.Prop && message.Entries.IsEmpty;
        }

        if (message.Type == MessageType.TransferLeader)
        {
            return message.From.IsNone;
        }

        bool ownVote = message.Type is MessageType.VoteResp or MessageType.PreVoteResp;
        return message.Term == default || message.From.IsNone || (message.From == me && !ownVote)
            || (message.Type == MessageType.App && !AreFromOneLog(message))
            || (message.Type == MessageType.Snap && !IsWhole(message));
    }

    private static bool AreFromOneLog(in Message message)
    {
        if ((message.Index == default) != (message.LogTerm == default))
        {
            return false;
        }

        LogIndex index = message.Index;
        Term term = message.LogTerm;
        foreach (ref readonly Entry entry in message.Entries.Span)
        {
            if (entry.Index != index.Next || entry.Term < term || entry.Term == default || entry.Type > EntryType.ConfChangeV2)
            {
                return false;
            }

            index = entry.Index;
            term = entry.Term;
        }

        return !(term > message.Term) && index.Value <= NumberMax;
    }

    private static bool IsWhole(in Message message) =>
        message.Snapshot is { } snapshot
        && snapshot.Index > default(LogIndex) && snapshot.Index.Value <= NumberMax
        && snapshot.Term > default(Term) && !(snapshot.Term > message.Term)
        && snapshot.Configuration.Voters.Count > 0
        && AreDistinct(snapshot.Configuration);

    private static bool AreDistinct(ConfState configuration)
    {
        var seen = new HashSet<MemberId> { MemberId.None };
        return configuration.Voters.All(seen.Add) && configuration.Learners.All(seen.Add);
    }
}
