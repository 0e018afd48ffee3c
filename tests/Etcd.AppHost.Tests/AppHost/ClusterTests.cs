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
    public void A_member_has_two_ports_and_a_folder_of_its_own()
    {
        var cluster = Create("--port-base", "5000", "--cluster", "blue");

        var member = Assert.Single(cluster.Members);
        Assert.Equal(
            ("etcd-0", 5000, 5001, Path.Combine(_directory, ".data", "blue", "etcd-0")),
            (member.Name, member.ClientPort, member.PeerPort, member.DataDirectory));
        Assert.Equal("etcd-0=http://localhost:5001", cluster.InitialCluster);
    }

    [Theory]
    [InlineData(0, "clients")]
    [InlineData(1, "peers")]
    public void A_port_in_use_is_named_together_with_a_way_out(int offset, string use)
    {
        var portBase = FreePorts();
        using var listener = new TcpListener(IPAddress.Loopback, portBase + offset);
        listener.Start();

        using var claim = ClusterClaim.TryTake(Create("--port-base", $"{portBase}"), out var problem);

        Assert.Null(claim);
        Assert.Contains($"Port {portBase + offset}, on which etcd-0 is to listen for {use}, is in use.", problem, StringComparison.Ordinal);
        Assert.Contains("--port-base ", problem, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_directory, ".data")));
    }

    [Fact]
    public void A_cluster_is_started_once_at_a_time_on_whatever_ports()
    {
        var first = ClusterClaim.TryTake(Create("--port-base", $"{FreePorts()}"), out var problem);
        Assert.True(first is not null, problem);
        using (first)
        {
            using var second = ClusterClaim.TryTake(Create("--port-base", $"{FreePorts()}"), out problem);
            Assert.Null(second);
            Assert.Contains("Another AppHost runs the cluster 'etcd'", problem, StringComparison.Ordinal);
            using var other = ClusterClaim.TryTake(Create("--cluster", "other", "--port-base", $"{FreePorts()}"), out problem);
            Assert.True(other is not null, problem);
        }

        using var again = ClusterClaim.TryTake(Create("--port-base", $"{FreePorts()}"), out problem);
        Assert.True(again is not null, problem);
    }

    [Fact]
    public void Deleting_data_takes_the_members_folders_and_nothing_else()
    {
        var cluster = Create();
        var kept = Path.Combine(_directory, ".data", "other");
        Directory.CreateDirectory(kept);
        Directory.CreateDirectory(Path.Combine(cluster.Members[0].DataDirectory, "member", "wal"));

        cluster.DeleteData();
        cluster.DeleteData();

        Assert.False(Directory.Exists(cluster.Members[0].DataDirectory));
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

    private ClusterLayout Create(params string[] args) => ClusterLayout.Create(AppHostArguments.Parse(args), _directory);
}
