using Etcd.Client;
using Etcd.Configuration.Mapping;

namespace Etcd.Configuration.Reading;

/// <summary>The ranges that are read and watched for a list of selections.</summary>
internal static class Roots
{
    /// <summary>
    /// The ranges without those that lie in another one, so that <c>config/</c> and <c>config/orders/</c> are one watch: a single range needs no
    /// more than its own changes to go from one revision to the next.
    /// </summary>
    public static EtcdRange[] Of(IReadOnlyList<SelectedKeys> selections) =>
        [.. selections.Where(s => !selections.Any(other => other.Range != s.Range && other.Covers(s))).Select(s => s.Range).Distinct()];
}
