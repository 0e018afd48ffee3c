using Etcd.Server.Primitives;

namespace Etcd.Server.Membership;

/// <summary>One member of the cluster as every member knows it. Immutable.</summary>
/// <param name="Id">Its id.</param>
/// <param name="PeerUrls">Where its peers reach it.</param>
/// <param name="IsLearner">Whether it only receives.</param>
/// <param name="Name">Its name; empty until it has started for the first time and published it.</param>
/// <param name="ClientUrls">Where clients reach it; empty until published.</param>
public sealed record Member(
    MemberId Id,
    IReadOnlyList<string> PeerUrls,
    bool IsLearner,
    string Name,
    IReadOnlyList<string> ClientUrls)
{
    /// <summary>Whether it has published its name, which it does at its first start.</summary>
    public bool IsStarted => Name.Length > 0;
}
