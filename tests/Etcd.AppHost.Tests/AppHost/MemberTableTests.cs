using AppHost.Output;

namespace Etcd.AppHost.Tests.AppHost;

/// <summary>How members are shown.</summary>
public sealed class MemberTableTests
{
    [Fact]
    public void Columns_are_as_wide_as_their_widest_cell_and_the_leader_has_its_name()
    {
        var lines = MemberTable.Format(
        [
            new("etcd-0", "http://localhost:2379", "healthy", 1, 2),
            new("etcd-1", "http://localhost:12379", "healthy", 2, 2),
            new("etcd-2", "http://localhost:2383", "no status (Unavailable)", null, null),
            new("etcd-3", "http://localhost:2385", "healthy", 3, 0),
            new("etcd-4", "http://localhost:2387", "healthy", 4, 255),
        ]);

        Assert.Equal(
            [
                "MEMBER  CLIENT URL              STATE                    LEADER",
                "etcd-0  http://localhost:2379   healthy                  etcd-1",
                "etcd-1  http://localhost:12379  healthy                  etcd-1",
                "etcd-2  http://localhost:2383   no status (Unavailable)  ?",
                "etcd-3  http://localhost:2385   healthy                  none",
                "etcd-4  http://localhost:2387   healthy                  ff",
            ],
            lines);
    }

    [Theory]
    [InlineData(3, "3 of 5 healthy: none can be lost.")]
    [InlineData(2, "2 of 5 healthy: that is no quorum, 3 are needed.")]
    [InlineData(5, "5 of 5 healthy: 2 can be lost.")]
    public void The_summary_says_whether_the_cluster_works(int healthy, string summary)
    {
        var members = Enumerable.Range(0, 5).Select(i => new MemberStatus($"etcd-{i}", "", i < healthy ? "healthy" : "stopped", 1, 1)).ToArray();

        Assert.StartsWith(summary, MemberTable.Summary(members, 3), StringComparison.Ordinal);
    }
}
