using Etcd.Protocol.Errors;
using Etcd.Server.Membership;
using Etcd.Server.Primitives;

namespace Etcd.Server.Node;

/// <summary>
/// Which changes of the membership are refused because the cluster could lose its quorum by them (--strict-reconfig-check), as etcd
/// decides it. Pure: what is known of connections comes as a question.
/// </summary>
/// <param name="self">This member, which is always connected to itself.</param>
/// <param name="members">The members now.</param>
/// <param name="isConnected">Whether another member has been reached without interruption for the last five seconds.</param>
public sealed class StrictReconfiguration(MemberId self, IReadOnlyList<Member> members, Func<MemberId, bool> isConnected)
{
    /// <summary>How long a member must have been reached to count (etcd: HealthInterval).</summary>
    public static readonly TimeSpan HealthInterval = TimeSpan.FromSeconds(5);

    private readonly Member[] _voters = [.. members.Where(m => !m.IsLearner)];

    /// <summary>
    /// Whether a member may be added. One that is down counts as lost already, but does not forbid it where the quorum of the larger
    /// cluster is reached without it (etcd 3.6.11).
    /// </summary>
    /// <param name="isLearner">Whether it is to be a learner, whose coming changes no quorum.</param>
    /// <returns>Why not; null if it may.</returns>
    public EtcdError? CheckAdd(bool isLearner)
    {
        // A single member may always get a second one, or there would be no way to a cluster.
        int started = _voters.Count(m => m.IsStarted);
        bool isSecond = started == 1 && _voters.Length == 1;
        if (!isLearner && !isSecond && started < Quorum(_voters.Length + 1))
        {
            return EtcdErrors.MemberNotEnoughStarted;
        }

        return _voters.Length == 1 || Connected() >= Quorum(_voters.Length + 1) ? null : EtcdErrors.Unhealthy;
    }

    /// <summary>Whether a member may be removed.</summary>
    /// <param name="id">The member; one that is not known is refused later.</param>
    /// <param name="isActive">Whether it is reached now, however briefly.</param>
    /// <returns>Why not; null if it may.</returns>
    public EtcdError? CheckRemove(MemberId id, bool isActive)
    {
        if (members.Any(m => m.Id == id && m.IsLearner))
        {
            return null;
        }

        Member[] others = [.. _voters.Where(m => m.Id != id)];
        if (others.Count(m => m.IsStarted) < Quorum(others.Length))
        {
            return EtcdErrors.MemberNotEnoughStarted;
        }

        // One that is down is no part of the quorum that works.
        if (id != self && !isActive)
        {
            return null;
        }

        return Connected() - 1 < 1 + ((_voters.Length - 1) / 2) ? EtcdErrors.Unhealthy : null;
    }

    /// <summary>Whether a learner may become a voter, which it is counted as, and as started.</summary>
    /// <returns>Why not; null if it may.</returns>
    public EtcdError? CheckPromote() =>
        _voters.Count(m => m.IsStarted) + 1 < Quorum(_voters.Length + 1) ? EtcdErrors.MemberNotEnoughStarted : null;

    private static int Quorum(int voters) => (voters / 2) + 1;

    private int Connected() => _voters.Count(m => m.Id == self || isConnected(m.Id));
}
