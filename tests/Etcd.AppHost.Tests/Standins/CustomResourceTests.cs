using System.Collections.Concurrent;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Lifecycle;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Etcd.AppHost.Tests.Standins;

/// <summary>
/// The life of resources that code leads: states, health, waiting, commands, logs and events, in an application that runs no
/// process.
/// </summary>
public sealed class CustomResourceTests : IAsyncDisposable
{
    private readonly IDistributedApplicationTestingBuilder _builder = DistributedApplicationTestingBuilder.Create();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _builder.DisposeAsync();

    [Fact]
    public async Task A_resource_that_says_that_it_runs_is_healthy_and_becomes_ready_once()
    {
        var ready = 0;
        var custom = _builder.AddResource(new Custom("custom"))
            .OnInitializeResource(async (resource, e, ct) =>
                await e.Notifications.PublishUpdateAsync(resource, s => s with { State = KnownResourceStates.Running }))
            .OnResourceReady((_, _, _) =>
            {
                Interlocked.Increment(ref ready);
                return Task.CompletedTask;
            });
        var app = await StartAsync();

        var reached = await app.ResourceNotifications.WaitForResourceHealthyAsync("custom", Cancel);

        Assert.Same(custom.Resource, reached.Resource);
        Assert.Equal(HealthStatus.Healthy, reached.Snapshot.HealthStatus);
        Assert.Equal(1, ready);
    }

    [Fact]
    public async Task A_health_check_decides_when_a_resource_is_ready_and_counts_anew_after_a_stop()
    {
        var health = HealthStatus.Unhealthy;
        var checks = 0;
        _builder.Services.AddHealthChecks().AddCheck("mine", () =>
        {
            Interlocked.Increment(ref checks);
            return new HealthCheckResult(health, "as told");
        });
        var custom = _builder.AddResource(new Custom("custom")).WithHealthCheck("mine");
        var app = await StartAsync();
        await RunAsync(app, custom.Resource);
        var sick = await app.ResourceNotifications.WaitForResourceAsync(
            "custom", e => e.Snapshot.HealthReports.Any(r => r.Description == "as told"), Cancel);
        Assert.Equal(HealthStatus.Unhealthy, sick.Snapshot.HealthStatus);

        health = HealthStatus.Healthy;
        var well = await app.ResourceNotifications.WaitForResourceHealthyAsync("custom", Cancel);
        Assert.Equal("mine", Assert.Single(well.Snapshot.HealthReports).Name);

        await app.ResourceNotifications.PublishUpdateAsync(custom.Resource, s => s with { State = KnownResourceStates.Exited });
        var ended = await app.ResourceNotifications.WaitForResourceAsync(
            "custom", e => e.Snapshot.State?.Text == KnownResourceStates.Exited, Cancel);
        Assert.Null(ended.Snapshot.HealthStatus);
        Assert.Null(Assert.Single(ended.Snapshot.HealthReports).Status);
        Assert.True(checks >= 2);
    }

    [Fact]
    public async Task A_health_check_that_nobody_registered_keeps_the_resource_unhealthy_and_says_so()
    {
        var custom = _builder.AddResource(new Custom("custom")).WithHealthCheck("nobody");
        Assert.Throws<DistributedApplicationException>(() => custom.WithHealthCheck("nobody"));
        var app = await StartAsync();
        await RunAsync(app, custom.Resource);

        var reached = await app.ResourceNotifications.WaitForResourceAsync(
            "custom", e => e.Snapshot.HealthReports.Any(r => r.Description is not null), Cancel);

        Assert.Equal(HealthStatus.Unhealthy, reached.Snapshot.HealthStatus);
        Assert.Contains("'nobody'", reached.Snapshot.HealthReports[0].Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waiting_for_health_ends_with_an_error_when_the_resource_ended()
    {
        var custom = _builder.AddResource(new Custom("custom"));
        var app = await StartAsync();
        var waiting = app.ResourceNotifications.WaitForResourceHealthyAsync("custom", Cancel);
        await app.ResourceNotifications.PublishUpdateAsync(
            custom.Resource, s => s with { State = KnownResourceStates.FailedToStart });

        await Assert.ThrowsAsync<DistributedApplicationException>(() => waiting);
    }

    [Fact]
    public async Task Dependencies_are_waited_for_in_state_Waiting()
    {
        var first = _builder.AddResource(new Custom("first"));
        var done = _builder.AddResource(new Custom("done"));
        var second = _builder.AddResource(new Custom("second")).WaitForStart(first).WaitForCompletion(done, exitCode: 2);
        var app = await StartAsync();
        var waiting = app.ResourceNotifications.WaitForDependenciesAsync(second.Resource, Cancel);
        await app.ResourceNotifications.WaitForResourceAsync("second", KnownResourceStates.Waiting, Cancel);

        await RunAsync(app, first.Resource);
        Assert.False(waiting.IsCompleted);
        await app.ResourceNotifications.PublishUpdateAsync(
            done.Resource, s => s with { State = KnownResourceStates.Finished, ExitCode = 2 });
        await waiting;
    }

    [Fact]
    public async Task A_dependency_that_completes_with_another_exit_code_is_an_error()
    {
        var done = _builder.AddResource(new Custom("done"));
        var second = _builder.AddResource(new Custom("second")).WaitForCompletion(done);
        var app = await StartAsync();
        var waiting = app.ResourceNotifications.WaitForDependenciesAsync(second.Resource, Cancel);
        await app.ResourceNotifications.PublishUpdateAsync(
            done.Resource, s => s with { State = KnownResourceStates.Finished, ExitCode = 7 });

        var e = await Assert.ThrowsAsync<DistributedApplicationException>(() => waiting);
        Assert.Contains("'7'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_watcher_sees_what_is_known_and_then_every_change_in_order()
    {
        var custom = _builder.AddResource(new Custom("custom"));
        var app = await StartAsync();
        string[] states = ["One", "Two", "Three", "Four"];
        await app.ResourceNotifications.PublishUpdateAsync(custom.Resource, s => s with { State = states[0] });
        await using var watcher = app.ResourceNotifications.WatchAsync(Cancel).GetAsyncEnumerator(Cancel);
        var seen = new List<string>();
        Assert.True(await watcher.MoveNextAsync());
        seen.Add(watcher.Current.Snapshot.State!.Text);
        foreach (var state in states.Skip(1))
        {
            await app.ResourceNotifications.PublishUpdateAsync(custom.Resource, s => s with { State = state });
        }

        while (seen.Count < states.Length && await watcher.MoveNextAsync())
        {
            seen.Add(watcher.Current.Snapshot.State!.Text);
        }

        Assert.Equal(states, seen);
    }

    [Fact]
    public async Task A_command_runs_and_its_failure_is_a_result()
    {
        string? ranFor = null;
        _builder.AddResource(new Custom("custom"))
            .WithCommand("good", "Good", context =>
            {
                ranFor = context.ResourceName;
                return Task.FromResult(CommandResults.Success());
            })
            .WithCommand("bad", "Bad", _ => throw new InvalidOperationException("broken"))
            .WithCommand("hidden", "Hidden", _ => Task.FromResult(CommandResults.Success()), new CommandOptions
            {
                UpdateState = context => context.ResourceSnapshot.State?.Text == KnownResourceStates.Running
                    ? ResourceCommandState.Enabled
                    : ResourceCommandState.Hidden,
            });
        var app = await StartAsync();

        Assert.True((await app.ResourceCommands.ExecuteCommandAsync("custom", "good", Cancel)).Success);
        Assert.Equal("custom", ranFor);
        var failed = await app.ResourceCommands.ExecuteCommandAsync("custom", "bad", Cancel);
        Assert.False(failed.Success);
        Assert.Equal("broken", failed.Message);
        Assert.False((await app.ResourceCommands.ExecuteCommandAsync("custom", "none", Cancel)).Success);
        Assert.False((await app.ResourceCommands.ExecuteCommandAsync("nobody", "good", Cancel)).Success);
        Assert.True(app.ResourceNotifications.TryGetCurrentState("custom", out var now));
        Assert.Equal(ResourceCommandState.Hidden, now.Snapshot.Commands.Single(c => c.Name == "hidden").State);
    }

    [Fact]
    public async Task A_log_is_kept_for_those_who_come_late_and_ends_with_the_application()
    {
        var custom = _builder.AddResource(new Custom("custom"));
        var app = await StartAsync();
        var logs = app.Services.GetRequiredService<ResourceLoggerService>();
        var log = logs.GetLog("custom");
        log.Add("early", isError: false);
        var lines = new ConcurrentQueue<LogLine>();
        var reading = Task.Run(
            async () =>
            {
                await foreach (var batch in logs.WatchAsync(custom.Resource))
                {
                    foreach (var line in batch)
                    {
                        lines.Enqueue(line);
                    }
                }
            },
            Cancel);
        await UntilAsync(() => !lines.IsEmpty);
        log.Add("late", isError: true);
        await app.StopAsync(Cancel);
        await reading;

        Assert.Collection(
            lines,
            line =>
            {
                Assert.Equal(1, line.LineNumber);
                Assert.Matches(@"^\d{4}-\d\d-\d\dT[\d:.]+Z early$", line.Content);
                Assert.False(line.IsErrorMessage);
            },
            line => Assert.True(line.IsErrorMessage && line.Content.EndsWith(" late", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Subscribers_are_asked_before_the_start_and_called_in_order()
    {
        var calls = new ConcurrentQueue<string>();
        _builder.Services.AddSingleton(calls);
        _builder.Services.AddEventingSubscriber<Subscriber>();
        var gone = _builder.Eventing.Subscribe<BeforeStartEvent>((_, _) =>
        {
            calls.Enqueue("gone");
            return Task.CompletedTask;
        });
        _builder.OnBeforeStart((_, _) =>
        {
            calls.Enqueue("builder");
            return Task.CompletedTask;
        });
        _builder.Eventing.Unsubscribe(gone);
        _ = await StartAsync();

        Assert.Equal(["asked", "builder", "subscriber"], calls);
    }

    [Fact]
    public async Task A_missing_parameter_is_a_state_and_a_present_one_runs()
    {
        _builder.AddParameter("absent");
        _builder.AddParameter("present", "x");
        var app = await StartAsync();

        await app.ResourceNotifications.WaitForResourceAsync("absent", KnownResourceStates.ValueMissing, Cancel);
        await app.ResourceNotifications.WaitForResourceAsync("present", KnownResourceStates.Running, Cancel);
        Assert.Equal("cs", await GetConnectionStringAsync());
    }

    private static async Task<string?> GetConnectionStringAsync()
    {
        await using var builder = DistributedApplicationTestingBuilder.Create("ConnectionStrings:db=cs");
        builder.AddConnectionString("db");
        var app = await builder.BuildAsync(Cancel);
        return await app.GetConnectionStringAsync("db", Cancel);
    }

    private static Task RunAsync(DistributedApplication app, IResource resource) =>
        app.ResourceNotifications.PublishUpdateAsync(resource, s => s with { State = KnownResourceStates.Running });

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        while (!condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }

    private async Task<DistributedApplication> StartAsync()
    {
        var app = await _builder.BuildAsync(Cancel);
        await app.StartAsync(Cancel);
        return app;
    }

    private sealed class Custom(string name) : Resource(name), IResourceWithWaitSupport
    {
    }

    private sealed class Subscriber(ConcurrentQueue<string> calls) : IDistributedApplicationEventingSubscriber
    {
        public Task SubscribeAsync(
            IDistributedApplicationEventing eventing,
            DistributedApplicationExecutionContext executionContext,
            CancellationToken cancellationToken)
        {
            calls.Enqueue("asked");
            eventing.Subscribe<BeforeStartEvent>((_, _) =>
            {
                calls.Enqueue("subscriber");
                return Task.CompletedTask;
            });
            return Task.CompletedTask;
        }
    }
}
