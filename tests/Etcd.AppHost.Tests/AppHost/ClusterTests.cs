using System.Net;
using System.Net.Sockets;
using AppHost.Arguments;
using AppHost.Cluster;

namespace Etcd.AppHost.Tests.AppHost;

/// <summary>Where members are, and what keeps a cluster from starting.</summary>
public sealed class ClusterTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("apphost-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Members_have_etcds_usual_ports_and_a_folder_each()
    {
        var cluster = Create("--members", "5");

        Assert.Equal(["etcd-0", "etcd-1", "etcd-2", "etcd-3", "etcd-4"], cluster.Members.Select(m => m.Name));
        Assert.Equal([2379, 22379, 32379, 42379, 52379], cluster.Members.Select(m => m.ClientPort));
        Assert.All(cluster.Members, m => Assert.Equal(m.ClientPort + 1, m.PeerPort));
        Assert.Equal(5, cluster.Members.Select(m => m.DataDirectory).Distinct().Count());
        Assert.Equal(3, cluster.Quorum);
    }

    [Fact]
    public void From_a_port_base_on_each_member_has_the_next_two()
    {
        var cluster = Create("--port-base", "5000", "--cluster", "blue");

        Assert.Equal([(5000, 5001), (5002, 5003), (5004, 5005)], cluster.Members.Select(m => (m.ClientPort, m.PeerPort)));
        Assert.Equal(Path.Combine(_directory, ".data", "blue", "etcd-1"), cluster.Members[1].DataDirectory);
        Assert.Equal("etcd-0=http://localhost:5001,etcd-1=http://localhost:5003,etcd-2=http://localhost:5005", cluster.InitialCluster);
    }

    [Fact]
    public void Data_of_another_number_of_members_is_refused_with_a_way_out()
    {
        Store(Create("--members", "5"));

        var problem = ClusterRecord.Check(Create());

        Assert.Contains("is that of 5 members and cannot be started with 3 members", problem, StringComparison.Ordinal);
        Assert.Contains("(--members 5)", problem, StringComparison.Ordinal);
        Assert.Null(ClusterRecord.Check(Create("--members", "5")));
        Create().DeleteData();
        Assert.Null(ClusterRecord.Check(Create()));
    }

    [Fact]
    public void Data_without_a_record_is_counted()
    {
        Directory.CreateDirectory(Path.Combine(Create().Members[0].DataDirectory, "member"));

        Assert.Contains("is that of 1 member and cannot", ClusterRecord.Check(Create()), StringComparison.Ordinal);
        Assert.Null(ClusterRecord.Check(Create("--members", "1")));
    }

    [Theory]
    [InlineData("(--port-base 5000)", "--port-base", "5000")]
    [InlineData("(without --port-base)")]
    public void Members_that_know_each_other_by_other_ports_are_refused_with_a_way_out(string way, params string[] args)
    {
        Store(Create(args));

        Assert.Contains(way, ClusterRecord.Check(Create("--port-base", "6000")), StringComparison.Ordinal);
        Assert.Null(ClusterRecord.Check(Create(args)));
    }

    [Fact]
    public void A_lone_member_may_move()
    {
        Store(Create("--members", "1"));

        Assert.Null(ClusterRecord.Check(Create("--members", "1", "--port-base", "6000")));
    }

    [Fact]
    public void A_layout_that_never_stored_anything_binds_nobody()
    {
        Assert.Null(ClusterRecord.Check(Create("--members", "5")));

        Assert.Null(ClusterRecord.Check(Create()));
    }

    [Theory]
    [InlineData(0, "clients")]
    [InlineData(1, "peers")]
    public void A_port_in_use_is_named_together_with_a_way_out(int offset, string use)
    {
        var portBase = FreePorts();
        using var listener = new TcpListener(IPAddress.Loopback, portBase + offset);
        listener.Start();

        using var claim = ClusterClaim.TryTake(Create("--members", "1", "--port-base", $"{portBase}"), out var problem);

        Assert.Null(claim);
        Assert.Contains($"Port {portBase + offset}, on which etcd-0 is to listen for {use}, is in use.", problem, StringComparison.Ordinal);
        Assert.Contains("--port-base ", problem, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_directory, ".data")));
    }

    [Fact]
    public void A_cluster_is_started_once_at_a_time_on_whatever_ports()
    {
        var first = ClusterClaim.TryTake(Create("--members", "1", "--port-base", $"{FreePorts()}"), out var problem);
        Assert.True(first is not null, problem);
        using (first)
        {
            using var second = ClusterClaim.TryTake(Create("--members", "1", "--port-base", $"{FreePorts()}"), out problem);
            Assert.Null(second);
            Assert.Contains("Another AppHost runs the cluster 'etcd'", problem, StringComparison.Ordinal);
            using var other = ClusterClaim.TryTake(Create("--members", "1", "--cluster", "other", "--port-base", $"{FreePorts()}"), out problem);
            Assert.True(other is not null, problem);
        }

        using var again = ClusterClaim.TryTake(Create("--members", "1", "--port-base", $"{FreePorts()}"), out problem);
        Assert.True(again is not null, problem);
    }

    [Fact]
    public void Deleting_data_takes_the_members_folders_and_nothing_else()
    {
        var cluster = Create();
        var kept = Path.Combine(_directory, ".data", "other");
        Directory.CreateDirectory(kept);
        Directory.CreateDirectory(Path.Combine(cluster.Members[0].DataDirectory, "member", "wal"));
        var earlier = Create("--members", "5").Members[4].DataDirectory;
        Directory.CreateDirectory(Path.Combine(earlier, "member", "wal"));

        cluster.DeleteData();
        cluster.DeleteData();

        Assert.False(Directory.Exists(cluster.Members[0].DataDirectory));
        Assert.False(Directory.Exists(earlier));
        Assert.True(Directory.Exists(kept));
    }

    /// <summary>Two free ports in a row; who takes one in between makes the assertion's message say so.</summary>
    private static int FreePorts()
    {
        while (true)
        {
            using var first = new TcpListener(IPAddress.Loopback, 0);
            first.Start();
            var port = ((IPEndPoint)first.LocalEndpoint).Port;
            try
            {
                using var second = new TcpListener(IPAddress.Loopback, port + 1);
                second.Start();
                return port;
            }
            catch (Exception e) when (e is SocketException or ArgumentOutOfRangeException)
            {
                // The next one is taken; try another pair.
            }
        }
    }

    private static void Store(ClusterLayout cluster)
    {
        Assert.Null(ClusterRecord.Check(cluster));
        foreach (var member in cluster.Members)
        {
            Directory.CreateDirectory(Path.Combine(member.DataDirectory, "member"));
        }
    }

    private ClusterLayout Create(params string[] args) => ClusterLayout.Create(AppHostArguments.Parse(args), _directory);
}
