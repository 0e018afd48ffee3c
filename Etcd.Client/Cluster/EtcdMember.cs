using Etcd.Protocol.Etcdserverpb;

namespace Etcd.Client;

/// <summary>A member of the cluster.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name; empty where it has not started yet.</param>
/// <param name="PeerUrls">Where its peers find it.</param>
/// <param name="ClientUrls">Where clients find it.</param>
/// <param name="IsLearner">Whether it does not vote.</param>
public sealed record EtcdMember(ulong Id, string Name, IReadOnlyList<string> PeerUrls, IReadOnlyList<string> ClientUrls, bool IsLearner)
{
    internal static EtcdMember From(Member member) =>
        new(member.ID, member.Name, [.. member.PeerURLs], [.. member.ClientURLs], member.IsLearner);
}

/// <summary>What a member says about itself.</summary>
/// <param name="Header">Who answered, and at which revision its store is.</param>
/// <param name="Version">The version of its program.</param>
/// <param name="Leader">The member that it follows; 0 for none.</param>
/// <param name="IsLearner">Whether it does not vote.</param>
/// <param name="DbSizeBytes">The size of its store.</param>
/// <param name="DbSizeInUseBytes">What of it is in use.</param>
/// <param name="RaftIndex">The committed index.</param>
/// <param name="RaftAppliedIndex">The applied index.</param>
/// <param name="Errors">What is wrong with it.</param>
public sealed record EtcdMemberStatus(
    EtcdHeader Header,
    string Version,
    ulong Leader,
    bool IsLearner,
    long DbSizeBytes,
    long DbSizeInUseBytes,
    ulong RaftIndex,
    ulong RaftAppliedIndex,
    IReadOnlyList<string> Errors)
{
    internal static EtcdMemberStatus From(StatusResponse status) => new(
        EtcdHeader.From(status.Header),
        status.Version,
        status.Leader,
        status.IsLearner,
        status.DbSize,
        status.DbSizeInUse,
        status.RaftIndex,
        status.RaftAppliedIndex,
        [.. status.Errors]);
}
