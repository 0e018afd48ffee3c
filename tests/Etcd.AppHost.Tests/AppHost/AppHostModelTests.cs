using System.Net;
using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace Etcd.AppHost.Tests.AppHost;

/// <summary>What the AppHost's own Program builds, seen by a test that runs its entry point up to the build. Nothing starts.</summary>
public sealed class AppHostModelTests
{
    private static readonly string s_cluster = $"model-{Guid.NewGuid():N}";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(3)]
    [InlineData(5, "--members", "5")]
    public async Task The_program_adds_members_that_run_the_server_project_and_the_cluster_above_them(int count, params string[] args)
    {
        var port = FreePorts(count * 2);
        try
        {
            await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
                ["--cluster", s_cluster, "--port-base", $"{port}", "--fresh", "--no-samples", .. args], Cancel);
            var members = builder.Resources.OfType<ProjectResource>().ToArray();
            Assert.Equal(Enumerable.Range(0, count).Select(i => $"etcd-{i}"), members.Select(m => m.Name));
            var cluster = Assert.Single(builder.Resources.Except(members));
            Assert.Equal("etcd", cluster.Name);
            Assert.Single(cluster.Annotations.OfType<HealthCheckAnnotation>());
            Assert.All(members.Index(), m =>
            {
                var (i, member) = m;
                Assert.Equal("Etcd.Server.csproj", Path.GetFileName(member.GetProjectMetadata().ProjectPath));
                Assert.True(File.Exists(member.GetProjectMetadata().ProjectPath));
                Assert.Equal([("client", port + (2 * i), false), ("peer", port + (2 * i) + 1, false)], member.Annotations
                    .OfType<EndpointAnnotation>().Select(e => (e.Name, e.Port!.Value, e.IsProxied)));
                Assert.Single(member.Annotations.OfType<HealthCheckAnnotation>());
                Assert.Contains(member.Annotations.OfType<ResourceRelationshipAnnotation>(), r => r.Resource == cluster);
            });
            Assert.Equal(Projects.AppHost.ProjectPath, builder.AppHostDirectory);

            await using var application = await builder.BuildAsync(Cancel);
            Assert.NotNull(application.Services);
        }
        finally
        {
            Directory.Delete(Path.Combine(Projects.AppHost.ProjectPath, ".data", s_cluster), recursive: true);
        }
    }

    [Fact]
    public async Task The_program_adds_the_samples_with_the_clusters_connection_string_behind_the_cluster()
    {
        var cluster = $"samples-{Guid.NewGuid():N}";
        var port = FreePorts(6);
        try
        {
            await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
                ["--cluster", cluster, "--port-base", $"{port}"], Cancel);
            var whole = (IResourceWithConnectionString)builder.Resources.Single(r => r.Name == "etcd");
            var samples = builder.Resources.OfType<ProjectResource>().Where(r => r.HasAnnotationOfType<WaitAnnotation>()).ToArray();

            Assert.Equal(["settings", "worker-0", "worker-1", "worker-2"], samples.Select(s => s.Name));
            Assert.Equal(
                ["LiveSettings.csproj", "LeaderWorker.csproj", "LeaderWorker.csproj", "LeaderWorker.csproj"],
                samples.Select(s => Path.GetFileName(s.GetProjectMetadata().ProjectPath)));
            // The members too, so that they are stopped after the samples.
            Assert.All(samples, s => Assert.Equal(
                ["etcd", "etcd-0", "etcd-1", "etcd-2"], s.Annotations.OfType<WaitAnnotation>().Select(wait => wait.Resource.Name)));
            Assert.Equal(
                $"http://localhost:{port},http://localhost:{port + 2},http://localhost:{port + 4}",
                await whole.GetConnectionStringAsync(Cancel));
        }
        finally
        {
            Directory.Delete(Path.Combine(Projects.AppHost.ProjectPath, ".data", cluster), recursive: true);
        }
    }

    [Fact]
    public async Task A_program_that_ends_without_building_is_an_error_of_the_test()
    {
        var e = await Assert.ThrowsAsync<InvalidOperationException>(
            () => DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(["--help"], Cancel));

        Assert.Contains("without building", e.Message, StringComparison.Ordinal);
    }

    /// <summary>A port that is free, and so are the next ones: the program refuses to start on others.</summary>
    private static int FreePorts(int count)
    {
        while (true)
        {
            var first = Random.Shared.Next(20_000, 32_000);
            if (Enumerable.Range(first, count).All(IsFree))
            {
                return first;
            }
        }
    }

    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
