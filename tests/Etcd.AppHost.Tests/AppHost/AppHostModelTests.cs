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

    [Fact]
    public async Task The_program_adds_one_member_that_runs_the_server_project()
    {
        var port = FreePorts();
        try
        {
            await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
                ["--cluster", s_cluster, "--port-base", $"{port}"], Cancel);
            var member = Assert.IsType<ProjectResource>(Assert.Single(builder.Resources));
            Assert.Equal("etcd-0", member.Name);
            Assert.Equal("Etcd.Server.csproj", Path.GetFileName(member.GetProjectMetadata().ProjectPath));
            Assert.True(File.Exists(member.GetProjectMetadata().ProjectPath));
            Assert.Equal([("client", port, false), ("peer", port + 1, false)], member.Annotations
                .OfType<EndpointAnnotation>().Select(e => (e.Name, e.Port!.Value, e.IsProxied)));
            Assert.Single(member.Annotations.OfType<HealthCheckAnnotation>());
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
    public async Task A_program_that_ends_without_building_is_an_error_of_the_test()
    {
        var e = await Assert.ThrowsAsync<InvalidOperationException>(
            () => DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(["--help"], Cancel));

        Assert.Contains("without building", e.Message, StringComparison.Ordinal);
    }

    /// <summary>A port that is free, and so is the next one: the program refuses to start on others.</summary>
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
}
