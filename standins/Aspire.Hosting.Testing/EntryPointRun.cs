using System.Reflection;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

/// <summary>
/// One run of an AppHost's entry point, on a thread of its own. The test holds it at two gates: before the builder builds, and
/// before the application starts. Ending the run stops the application and waits until the entry point has returned.
/// </summary>
internal sealed class EntryPointRun(
    Assembly assembly, string[] args, Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configureBuilder)
{
    private readonly TaskCompletionSource<DistributedApplicationBuilder> _builder = NewGate<DistributedApplicationBuilder>();
    private readonly TaskCompletionSource<bool> _mayBuild = NewGate<bool>();
    private readonly TaskCompletionSource<DistributedApplication> _application = NewGate<DistributedApplication>();
    private readonly TaskCompletionSource<bool> _mayStart = NewGate<bool>();
    private readonly TaskCompletionSource<bool> _started = NewGate<bool>();
    private readonly TaskCompletionSource<bool> _ended = NewGate<bool>();

    /// <summary>Completes when the entry point returned, however it did.</summary>
    public Task Ended => _ended.Task;

    public Task<DistributedApplicationBuilder> StartAsync(CancellationToken cancellationToken)
    {
        var main = assembly.EntryPoint
            ?? throw new InvalidOperationException($"The assembly '{assembly.GetName().Name}' has no entry point.");
        new Thread(() => Run(main)) { IsBackground = true, Name = $"{assembly.GetName().Name} entry point" }.Start();
        return _builder.Task.WaitAsync(cancellationToken);
    }

    public Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken)
    {
        _mayBuild.TrySetResult(true);
        return _application.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Lets the application start and waits until it has, or has failed to.</summary>
    public Task StartApplicationAsync(CancellationToken cancellationToken)
    {
        _mayStart.TrySetResult(true);
        return _started.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Ends an entry point that still waits at a gate.</summary>
    public void Abort()
    {
        _mayBuild.TrySetException(new HostAbortedException());
        _mayStart.TrySetException(new HostAbortedException());
    }

    private static TaskCompletionSource<T> NewGate<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Run(MethodInfo main)
    {
        BuilderInterceptor.Current = TestingDefaults.Interceptor(assembly, args, configureBuilder, HoldAtBuild, HoldAtStart);
        Exception? failure = null;
        try
        {
            main.Invoke(null, main.GetParameters().Length == 0 ? null : [args]);
        }
        catch (TargetInvocationException e)
        {
            failure = e.InnerException ?? e;
        }

        End(failure ?? new InvalidOperationException(
            $"The entry point of '{assembly.GetName().Name}' exited without building or starting its application."));
    }

    private void HoldAtBuild(DistributedApplicationBuilder builder)
    {
        _builder.TrySetResult(builder);
        _mayBuild.Task.GetAwaiter().GetResult();
    }

    private void HoldAtStart(DistributedApplication application)
    {
        application.StartGate = StartWhenAskedToAsync;
        _application.TrySetResult(application);
    }

    private async Task StartWhenAskedToAsync(Func<CancellationToken, Task> start, CancellationToken cancellationToken)
    {
        await _mayStart.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await start(cancellationToken).ConfigureAwait(false);
            _started.TrySetResult(true);
        }
        catch (Exception e)
        {
            _started.TrySetException(ExceptionDispatchInfo.SetCurrentStackTrace(new DistributedApplicationException(e.Message, e)));
            throw;
        }
    }

    /// <summary>Whoever still waits for a step of the run learns that it will not come.</summary>
    private void End(Exception reason)
    {
        Fail(_builder, reason);
        Fail(_application, reason);
        Fail(_started, reason);
        _ended.TrySetResult(true);
    }

    private static void Fail<T>(TaskCompletionSource<T> gate, Exception reason)
    {
        if (gate.TrySetException(reason))
        {
            // Nobody may be waiting; a failure that nobody asked about is no unobserved exception.
            _ = gate.Task.Exception;
        }
    }
}
