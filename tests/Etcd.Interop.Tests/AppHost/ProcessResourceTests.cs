using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Etcd.Interop.Tests.AppHost;

/// <summary>
/// Processes under the hosting API: what they are started with, what is known of them, how they end. The programs are shell
/// one-liners; each test says in its name what it expects of any program.
/// </summary>
[Collection(ProcessCollection.Name)]
public sealed class ProcessResourceTests : IAsyncDisposable
{
    private const string UntilTerminated = "trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.02; done";

    private readonly IDistributedApplicationTestingBuilder _builder = DistributedApplicationTestingBuilder.Create();
    private readonly ConcurrentQueue<string> _lines = new();

    public ProcessResourceTests()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The programs of these tests are scripts of a POSIX shell.");
        _builder.Services.AddLogging(logging => logging.ClearProviders());
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _builder.DisposeAsync();

    [Fact]
    public async Task A_process_gets_its_arguments_and_environment_and_its_end_is_known()
    {
        Shell("job", "echo \"$GREETING $1 from $PWD\"; echo oops >&2; exit 3", "there").WithEnvironment("GREETING", "hello");
        var app = await StartAsync("job");

        var ended = await WaitForAsync(app, "job", KnownResourceStates.Finished);

        Assert.Equal(3, ended.Snapshot.ExitCode);
        await LineAsync($"hello there from {Path.GetTempPath().TrimEnd('/')}");
        await LineAsync("oops");
    }

    [Fact]
    public async Task A_process_is_the_program_itself_in_a_process_group_of_its_own()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads /proc.");
        Shell("job", "echo $$ $(cut -d' ' -f5 /proc/$$/stat); " + UntilTerminated);
        var app = await StartAsync("job");
        await LineAsync("up");

        var pid = await PidAsync(app, "job");

        Assert.Contains($"{pid} {pid}", _lines);
    }

    [Fact]
    public async Task Commands_stop_start_and_restart_a_process()
    {
        Shell("job", UntilTerminated);
        var app = await StartAsync("job");
        var first = await PidAsync(app, "job");
        await LineAsync("up");

        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("job", KnownResourceCommands.StopCommand, Cancel)).Success);
        var stopped = await WaitForAsync(app, "job", KnownResourceStates.Finished);
        Assert.Equal(0, stopped.Snapshot.ExitCode);
        await LineAsync("asked");
        Assert.False(IsAlive(first));
        Assert.Equal(ResourceCommandState.Enabled, Command(stopped, KnownResourceCommands.StartCommand));
        Assert.Equal(ResourceCommandState.Hidden, Command(stopped, KnownResourceCommands.StopCommand));

        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("job", KnownResourceCommands.StartCommand, Cancel)).Success);
        var second = await PidAsync(app, "job");
        Assert.NotEqual(first, second);

        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("job", KnownResourceCommands.RestartCommand, Cancel)).Success);
        Assert.NotEqual(second, await PidAsync(app, "job"));
        Assert.False(IsAlive(second));
    }

    [Fact]
    public async Task A_process_that_a_signal_ends_has_128_and_its_number_as_exit_code()
    {
        Shell("job", UntilTerminated);
        var stopped = new TaskCompletionSource<ResourceEvent>();
        _builder.Eventing.Subscribe<ResourceStoppedEvent>((e, _) =>
        {
            stopped.TrySetResult(e.ResourceEvent);
            return Task.CompletedTask;
        });
        var app = await StartAsync("job");

        Process.GetProcessById(await PidAsync(app, "job")).Kill();

        Assert.Equal(137, (await stopped.Task.WaitAsync(Cancel)).Snapshot.ExitCode);
        Assert.Equal(137, (await WaitForAsync(app, "job", KnownResourceStates.Finished)).Snapshot.ExitCode);
    }

    [Fact]
    public async Task A_process_that_ignores_the_request_to_end_is_killed_with_what_it_started()
    {
        Shell("job", "trap '' TERM; sleep 1000 & echo child $!; echo up; wait; wait; while :; do sleep 1; done");
        var app = await StartAsync("job");
        await LineAsync("up");
        var pid = await PidAsync(app, "job");
        var child = int.Parse(_lines.Single(l => l.StartsWith("child ", StringComparison.Ordinal))[6..], CultureInfo.InvariantCulture);

        // Who stops the application gives up waiting at once; what remains is to kill.
        await app.StopAsync(new CancellationToken(canceled: true));

        Assert.False(IsAlive(pid));
        await UntilAsync(() => !IsAlive(child));
    }

    [Fact]
    public async Task A_program_that_does_not_exist_is_a_state_and_a_line_of_its_log()
    {
        _builder.AddExecutable("job", "/does/not/exist", Path.GetTempPath());
        var app = await StartAsync("job");

        await WaitForAsync(app, "job", KnownResourceStates.FailedToStart);

        await LineAsync("'/does/not/exist' could not be started: No such file or directory.");
    }

    [Fact]
    public async Task A_process_starts_only_once_what_it_waits_for_is_healthy()
    {
        var health = HealthStatus.Unhealthy;
        _builder.Services.AddHealthChecks().AddCheck("mine", () => new HealthCheckResult(health));
        var first = Shell("first", UntilTerminated).WithHealthCheck("mine");
        Shell("second", UntilTerminated).WaitFor(first);
        var app = await StartAsync("second");
        await WaitForAsync(app, "second", KnownResourceStates.Waiting);
        await app.ResourceNotifications.WaitForResourceAsync(
            "first", e => e.Snapshot.HealthReports.Any(r => r.Status == HealthStatus.Unhealthy), Cancel);
        Assert.True(_lines.All(l => l != "up"));

        health = HealthStatus.Healthy;

        await WaitForAsync(app, "second", KnownResourceStates.Running);
        await LineAsync("up");
    }

    [Fact]
    public async Task A_process_does_not_start_where_the_one_before_it_failed()
    {
        var setup = Shell("setup", "exit 4");
        Shell("second", "echo ran").WaitForCompletion(setup);
        var third = Shell("third", "echo ran too").WaitForCompletion(setup, exitCode: 4);
        var app = await StartAsync("second", third.Resource.Name);

        await WaitForAsync(app, "second", KnownResourceStates.FailedToStart);
        await LineAsync("ran too");

        Assert.DoesNotContain("ran", _lines);
    }

    [Fact]
    public async Task A_process_with_an_explicit_start_waits_for_its_command()
    {
        Shell("job", UntilTerminated).WithExplicitStart();
        var app = await StartAsync("job");
        await WaitForAsync(app, "job", KnownResourceStates.NotStarted);

        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("job", KnownResourceCommands.StartCommand, Cancel)).Success);

        await LineAsync("up");
    }

    [Fact]
    public async Task Stopping_the_application_ends_those_that_wait_before_what_they_wait_for()
    {
        var first = Shell("first", UntilTerminated);
        Shell("second", UntilTerminated).WaitFor(first);
        var app = await StartAsync("second");
        await WaitForAsync(app, "second", KnownResourceStates.Running);
        await LineAsync("up");

        await app.StopAsync(Cancel);

        var ends = new[] { "second", "first" }.Select(name => State(app, name).StopTimeStamp!.Value).ToArray();
        Assert.True(ends[0] <= ends[1], $"second ended at {ends[0]:O}, first at {ends[1]:O}");
    }

    [Fact]
    public async Task An_http_health_check_asks_the_endpoint_and_clients_find_it()
    {
        var status = 503;
        await using var server = await StartServerAsync(() => status);
        Shell("job", UntilTerminated)
            .WithHttpEndpoint(targetPort: new Uri(AddressOf(server)).Port, name: "main")
            .WithHttpHealthCheck("/health", endpointName: "main")
            .WithUrlForEndpoint("main", url => url.DisplayText = "Main");
        var app = await StartAsync("job");
        var sick = await app.ResourceNotifications.WaitForResourceAsync(
            "job", e => e.Snapshot.HealthReports.Any(r => r.Description is not null), Cancel);
        Assert.Contains("returned 503", sick.Snapshot.HealthReports[0].Description, StringComparison.Ordinal);

        status = 200;
        await app.ResourceNotifications.WaitForResourceHealthyAsync("job", Cancel);

        Assert.NotEqual(AddressOf(server), app.GetEndpoint("job", "main").ToString().TrimEnd('/'));
        using var client = app.CreateHttpClient("job", "main");
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health", Cancel)).StatusCode);
        var url = Assert.Single(State(app, "job").Urls);
        Assert.Equal(("main", "Main"), (url.Name, url.DisplayProperties.DisplayName));
    }

    [Fact]
    public async Task Telemetry_goes_where_the_configuration_says_if_somebody_listens_there()
    {
        using var receiver = new TcpListener(IPAddress.Loopback, 0);
        receiver.Start();
        var address = $"http://localhost:{((IPEndPoint)receiver.LocalEndpoint).Port}";
        _builder.Configuration["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = address;
        const string Script = "echo \"$OTEL_EXPORTER_OTLP_ENDPOINT $OTEL_EXPORTER_OTLP_PROTOCOL $OTEL_SERVICE_NAME.\"";
        Shell("job", Script).WithOtlpExporter();
        var app = await StartAsync("job");
        await LineAsync($"{address} grpc job.");
        await WaitForAsync(app, "job", KnownResourceStates.Finished);

        receiver.Stop();
        await app.ResourceCommands.ExecuteCommandAsync("job", KnownResourceCommands.StartCommand, Cancel);

        await LineAsync("  .");
    }

    private static bool IsAlive(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static ResourceCommandState Command(ResourceEvent e, string name) => e.Snapshot.Commands.Single(c => c.Name == name).State;

    private static CustomResourceSnapshot State(DistributedApplication app, string name)
    {
        var resource = app.Services.GetRequiredService<DistributedApplicationModel>().Resources.Single(r => r.Name == name);
        var id = resource.Annotations.OfType<InstanceAnnotation>().Single().ResourceId;
        Assert.True(app.ResourceNotifications.TryGetCurrentState(id, out var e));
        return e.Snapshot;
    }

    private static Task<ResourceEvent> WaitForAsync(DistributedApplication app, string name, string state) =>
        app.ResourceNotifications.WaitForResourceAsync(name, e => e.Snapshot.State?.Text == state, Cancel);

    private static async Task<int> PidAsync(DistributedApplication app, string name)
    {
        var running = await WaitForAsync(app, name, KnownResourceStates.Running);
        return (int)running.Snapshot.Properties.Single(p => p.Name == "executable.pid").Value!;
    }

    private static async Task<WebApplication> StartServerAsync(Func<int> status)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.MapGet("/health", () => Results.StatusCode(status()));
        await app.StartAsync(Cancel);
        return app;
    }

    private static string AddressOf(WebApplication app) =>
        app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        while (!condition())
        {
            await Task.Delay(10, limit.Token);
        }
    }

    private IResourceBuilder<ExecutableResource> Shell(string name, string script, params string[] arguments) =>
        _builder.AddExecutable(name, "/bin/sh", Path.GetTempPath(), ["-c", script, "sh", .. arguments]);

    private async Task<DistributedApplication> StartAsync(params string[] watched)
    {
        var app = await _builder.BuildAsync(Cancel);
        var logs = app.Services.GetRequiredService<ResourceLoggerService>();
        foreach (var name in watched)
        {
            _ = CollectAsync(logs.WatchAsync(name));
        }

        await app.StartAsync(Cancel);
        return app;
    }

    private async Task CollectAsync(IAsyncEnumerable<IReadOnlyList<LogLine>> log)
    {
        await foreach (var lines in log)
        {
            foreach (var line in lines)
            {
                _lines.Enqueue(line.Content[(line.Content.IndexOf(' ', StringComparison.Ordinal) + 1)..]);
            }
        }
    }

    private Task LineAsync(string line) => UntilAsync(() => _lines.Contains(line));
}
