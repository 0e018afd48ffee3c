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
}
