using Etcd.Server.Primitives;

namespace Etcd.Server.Membership;

/// <summary>
/// Who belongs to the cluster, and the version they agreed on, as of the last applied entry. Changed by the apply thread
/// only; readers on any thread take <see cref="Current"/>, which never changes after it was published.
/// </summary>
/// <param name="clusterId">The cluster's id.</param>
public sealed class ClusterState(ulong clusterId)
{
    private Snapshot _current = new([], null, []);

    /// <summary>The cluster's id, computed from its first members.</summary>
    public ulong ClusterId { get; } = clusterId;

    /// <summary>The members and the version at one point of the log.</summary>
    public Snapshot Current => Volatile.Read(ref _current);

    /// <summary>Adds a member, or replaces what is known of it.</summary>
    /// <param name="member">The member.</param>
    public void Put(Member member)
    {
        Snapshot current = _current;
        IEnumerable<Member> others = current.Members.Where(m => m.Id != member.Id);
        Publish(current with { Members = [.. others.Append(member).OrderBy(m => m.Id.Value)] });
    }

    /// <summary>Takes a member out. Its id never comes back: whoever still uses it is told that it is gone.</summary>
    /// <param name="id">The member.</param>
    public void Remove(MemberId id) => Publish(_current with
    {
        Members = [.. _current.Members.Where(m => m.Id != id)],
        Removed = [.. _current.Removed.Append(id).Distinct().OrderBy(r => r.Value)],
    });

    /// <summary>Replaces everything: a snapshot was installed.</summary>
    /// <param name="members">The members.</param>
    /// <param name="removed">The ids of those that were members once.</param>
    /// <param name="version">The agreed version; null if there is none.</param>
    /// <param name="downgrade">The downgrade; null if there never was one.</param>
    public void Replace(IEnumerable<Member> members, IEnumerable<MemberId> removed, string? version, Downgrade? downgrade) =>
        Publish(new Snapshot([.. members.OrderBy(m => m.Id.Value)], version, [.. removed.OrderBy(r => r.Value)], downgrade));

    /// <summary>A member has published its name and client URLs. Of no effect if it is not a member (any more).</summary>
    /// <param name="id">The member.</param>
    /// <param name="name">Its name.</param>
    /// <param name="clientUrls">Where clients reach it.</param>
    public void SetAttributes(MemberId id, string name, IReadOnlyList<string> clientUrls)
    {
        if (_current.Members.FirstOrDefault(m => m.Id == id) is { } member)
        {
            Put(member with { Name = name, ClientUrls = clientUrls });
        }
    }

    /// <summary>The members agreed on a version.</summary>
    /// <param name="version">The version, such as "3.7.0".</param>
    public void SetVersion(string version) => Publish(_current with { Version = version });

    /// <summary>A downgrade has begun, or has ended.</summary>
    /// <param name="downgrade">Where it leads; <see cref="Downgrade.None"/> if it has ended.</param>
    public void SetDowngrade(Downgrade downgrade) => Publish(_current with { Downgrade = downgrade });

    private void Publish(Snapshot next) => Volatile.Write(ref _current, next);

    /// <summary>The membership at one point of the log.</summary>
    /// <param name="Members">Ascending by id.</param>
    /// <param name="Version">The agreed version; null until there is one.</param>
    /// <param name="Removed">Ids of those that were members once, ascending.</param>
    /// <param name="Downgrade">The downgrade that is under way, or was; null if there never was one.</param>
    public sealed record Snapshot(
        IReadOnlyList<Member> Members, string? Version, IReadOnlyList<MemberId> Removed, Downgrade? Downgrade = null)
    {
        /// <summary>The member with an id; null if there is none.</summary>
        /// <param name="id">The id.</param>
        public Member? Find(MemberId id) => Members.FirstOrDefault(m => m.Id == id);
    }
}
