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
        await using (var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            ["--cluster", s_cluster, "--port-base", "29379"], Cancel))
        {
            var member = Assert.IsType<ProjectResource>(Assert.Single(builder.Resources));
            Assert.Equal("etcd-0", member.Name);
            Assert.Equal("Etcd.Server.csproj", Path.GetFileName(member.GetProjectMetadata().ProjectPath));
            Assert.True(File.Exists(member.GetProjectMetadata().ProjectPath));
            Assert.Equal([("client", 29379, false), ("peer", 29380, false)], member.Annotations
                .OfType<EndpointAnnotation>().Select(e => (e.Name, e.Port!.Value, e.IsProxied)));
            Assert.Single(member.Annotations.OfType<HealthCheckAnnotation>());
            Assert.Equal(Projects.AppHost.ProjectPath, builder.AppHostDirectory);

            await using var application = await builder.BuildAsync(Cancel);
            Assert.NotNull(application.Services);
        }

        Directory.Delete(Path.Combine(Projects.AppHost.ProjectPath, ".data", s_cluster), recursive: true);
    }

    [Fact]
    public async Task A_program_that_ends_without_building_is_an_error_of_the_test()
    {
        var e = await Assert.ThrowsAsync<InvalidOperationException>(
            () => DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(["--help"], Cancel));

        Assert.Contains("without building", e.Message, StringComparison.Ordinal);
    }
}
