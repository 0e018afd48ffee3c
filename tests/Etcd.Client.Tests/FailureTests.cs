using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Etcd.Client.Tests.Suites;
using Etcd.TestKit.Network;
using Etcd.TestKit.Processes;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Etcd.Client.Tests;

/// <summary>
/// Goal: no exception of gRPC or of sockets leaves the client. Method: each public method that does something asynchronously is found by
/// reflection and called while its connection fails in one way or another; a method that is new is called too, or the test says what it lacks.
/// </summary>
public sealed class FailureTests(OurMember member) : ClientSuite, IClassFixture<OurMember>
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    // What ends or closes must not fail at all; a transaction's reads are called inside of it.
    private static readonly string[] NotCalled = ["DisposeAsync", "EtcdStm.GetAsync", "EtcdStm.GetRevisionAsync", "EtcdStm.LoadAsync"];

    private readonly ConcurrentDictionary<string, string> _leaks = [];
    private readonly ConcurrentBag<string> _failed = [];

    protected override string Url => member.Url;

    public static TheoryData<string> Troubles =>
    [
        "nobody listens", "reset at once", "reset in the middle", "silence", "no HTTP/2", "HTTP 503",
        nameof(StatusCode.Cancelled), nameof(StatusCode.Unknown), nameof(StatusCode.DeadlineExceeded), nameof(StatusCode.Unimplemented),
        nameof(StatusCode.Internal), nameof(StatusCode.Unavailable), nameof(StatusCode.Unauthenticated),
    ];

    [Theory]
    [MemberData(nameof(Troubles))]
    public async Task What_fails_is_an_exception_of_the_client(string trouble)
    {
        FaultProxy proxy = NewProxy();
        EtcdClient client = NewClient(proxy.Url, options =>
        {
            options.Timeout = Longest / 2;
            options.Retry.MaxRetries = 2;
            options.Retry.MaxDelay = TimeSpan.FromMilliseconds(25);
        });
        Dictionary<Type, object> instances = await PrepareAsync(client);
        await BreakAsync(proxy, trouble);

        MethodInfo[] methods = [.. Methods()];
        await Task.WhenAll(methods.Select(method => CallAsync(method, instances, proxy.Url)));

        Assert.Empty(_leaks);
        Assert.True(methods.Length > 70, $"{methods.Length} methods");
        // Watches and what waits for a key wait on instead.
        Assert.True(_failed.Count > methods.Length / 2, $"of {methods.Length} methods failed: {string.Join(", ", _failed)}");
    }

    // The timeout that makes calls fail soon may be too short for a machine that is busy.
    private async Task<Dictionary<Type, object>> PrepareAsync(EtcdClient client)
    {
        while (true)
        {
            try
            {
                return await PrepareOnceAsync(client, $"{Prefix}{Guid.NewGuid():n}/");
            }
            catch (EtcdException)
            {
                Token.ThrowIfCancellationRequested();
            }
        }
    }

    private async Task<Dictionary<Type, object>> PrepareOnceAsync(EtcdClient client, string below)
    {
        // All of it is made before anything fails.
        EtcdSession session = Keep(await client.Leases.CreateSessionAsync(TimeSpan.FromSeconds(60), Token));
        object[] all =
        [
            client, client.Kv, client.Watch, client.Leases, client.Cluster, client.Maintenance, client.Auth,
            new EtcdMutex(session, below + "mutex"), new EtcdReadWriteLock(session, below + "rw"), new EtcdSemaphore(session, below + "semaphore", 2),
            new EtcdElection(session, below + "election"), Keep(await new EtcdElection(session, below + "led").CampaignAsync("me", Token)),
            new EtcdBarrier(client, below + "barrier"), await EnteredAsync(session, below),
            new EtcdQueue(client, below + "queue"), new EtcdPriorityQueue(client, below + "priorities"),
            new EtcdEndpointManager(client, below + "service"), new EtcdMirror(client, client, new EtcdMirrorOptions { Prefix = below + "mirrored" }),
            Keep(await EtcdCache.StartAsync(client, EtcdRange.Prefix(below), Token)), Keep(await client.Maintenance.SnapshotAsync(cancellationToken: Token)),
        ];
        var instances = new Dictionary<Type, object>();
        foreach (object one in all)
        {
            instances[one.GetType()] = one;
            foreach (Type type in one.GetType().GetInterfaces().Where(type => type.Assembly == typeof(EtcdClient).Assembly))
            {
                instances.TryAdd(type, one);
            }
        }

        return instances;
    }

    private static async Task<EtcdDoubleBarrier> EnteredAsync(EtcdSession session, string below)
    {
        var barrier = new EtcdDoubleBarrier(session, below + "double", 1);
        await barrier.EnterAsync(Token);
        return barrier;
    }

    private async Task BreakAsync(FaultProxy proxy, string trouble)
    {
        switch (trouble)
        {
            case "nobody listens":
                await proxy.RefuseAsync();
                break;
            case "reset at once":
                proxy.ResetAfterBytes = _ => 1;
                break;
            case "reset in the middle":
                proxy.ResetAfterBytes = number => 100 + (number * 10);
                break;
            case "silence":
                proxy.Hold(ProxyDirection.ToClient);
                return;
            case "no HTTP/2":
                proxy.Redirect(await StartAsync(HttpProtocols.Http1, context => context.Response.WriteAsync("hello")));
                break;
            case "HTTP 503":
                proxy.Redirect(await StartAsync(HttpProtocols.Http2, context =>
                {
                    context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                    return context.Response.WriteAsync("<html>not now</html>");
                }));
                break;
            default:
                int code = (int)Enum.Parse<StatusCode>(trouble);
                proxy.Redirect(await StartAsync(HttpProtocols.Http2, context =>
                {
                    context.Response.ContentType = "application/grpc";
                    context.Response.Headers["grpc-status"] = $"{code}";
                    context.Response.Headers["grpc-message"] = "odd";
                    return Task.CompletedTask;
                }));
                break;
        }

        proxy.Reset();
    }

    private async Task<string> StartAsync(HttpProtocols protocols, RequestDelegate answer)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        int port = FreePorts.Take();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(port, listen => listen.Protocols = protocols));
        WebApplication server = Keep(builder.Build());
        server.Run(answer);
        await server.StartAsync(Token);
        return $"http://127.0.0.1:{port}";
    }

    private static IEnumerable<MethodInfo> Methods() =>
        from type in typeof(EtcdClient).Assembly.GetExportedTypes()
        where !typeof(Delegate).IsAssignableFrom(type)
        from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
        where IsAsynchronous(method.ReturnType) && !NotCalled.Contains(method.Name) && !NotCalled.Contains($"{type.Name}.{method.Name}")
        select method;

    private static bool IsAsynchronous(Type type) => type == typeof(Task) || type == typeof(ValueTask)
        || (type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(Task<>) || type.GetGenericTypeDefinition() == typeof(ValueTask<>)
            || type.GetGenericTypeDefinition() == typeof(IAsyncEnumerable<>)));

    private async Task CallAsync(MethodInfo method, Dictionary<Type, object> instances, string endpoint)
    {
        string name = $"{method.DeclaringType!.Name}.{method.Name}";
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Token);
        ending.CancelAfter(Longest);
        try
        {
            MethodInfo closed = method.IsGenericMethod ? method.MakeGenericMethod([.. method.GetGenericArguments().Select(_ => typeof(string))]) : method;
            object?[] arguments = [.. closed.GetParameters().Select(parameter => ArgumentFor(name, parameter, instances, endpoint, ending.Token))];
            object? target = closed.IsStatic ? null : instances[method.DeclaringType];
            await EndAsync(closed.Invoke(target, arguments)!, ending.Token);
        }
        catch (Exception e)
        {
            Judge(name, e is TargetInvocationException { InnerException: { } inner } ? inner : e);
        }
    }

    private void Judge(string name, Exception failure)
    {
        if (failure is EtcdException)
        {
            _failed.Add(name);
        }
        else if (failure is not OperationCanceledException && !(failure is InvalidOperationException && name == "EtcdDoubleBarrier.EnterAsync"))
        {
            _leaks[name] = failure.ToString();
        }
    }

    private static async Task EndAsync(object returned, CancellationToken cancellation)
    {
        switch (returned)
        {
            case Task task:
                await task;
                break;
            case ValueTask task:
                await task;
                break;
            default:
                if (returned.GetType().IsValueType)
                {
                    await (Task)returned.GetType().GetMethod("AsTask")!.Invoke(returned, null)!;
                }
                else
                {
                    await (Task)typeof(FailureTests).GetMethod(nameof(FirstAsync), BindingFlags.NonPublic | BindingFlags.Static)!
                        .MakeGenericMethod(ElementOf(returned.GetType())).Invoke(null, [returned, cancellation])!;
                }

                break;
        }
    }

    private static Type ElementOf(Type type) => type.GetInterfaces()
        .Single(each => each.IsGenericType && each.GetGenericTypeDefinition() == typeof(IAsyncEnumerable<>)).GetGenericArguments()[0];

    private static async Task FirstAsync<T>(IAsyncEnumerable<T> all, CancellationToken cancellation)
    {
        await using IAsyncEnumerator<T> each = all.GetAsyncEnumerator(cancellation);
        // A cache has something to show at first.
        while (await each.MoveNextAsync())
        {
        }
    }

    private object? ArgumentFor(string method, ParameterInfo parameter, Dictionary<Type, object> instances, string endpoint, CancellationToken cancellation)
    {
        Type type = parameter.ParameterType;
        if (type == typeof(CancellationToken))
        {
            return cancellation;
        }

        if (instances.TryGetValue(type, out object? instance))
        {
            return instance;
        }

        object?[] known =
        [
            (EtcdKey)(Prefix + "k"), (EtcdValue)"v", EtcdRange.Prefix(Prefix), new EtcdLeaseId(7), new EtcdTxn().Then(EtcdOp.Put(Prefix + "k", "v")),
            new EtcdAlarm(7, EtcdAlarmType.NoSpace), new EtcdServiceEndpoint("a:1"), TimeSpan.FromSeconds(5), 1L, 7UL, (ushort)3, 5, true,
            parameter.Name == "endpoint" ? endpoint : "name", new Memory<byte>(new byte[100]), new byte[100],
            JsonSerializerOptions.Default.GetTypeInfo(typeof(string)),
            (Func<EtcdStm, ValueTask<string>>)(async stm => (await stm.GetAsync("k")).ToString()!),
            (Func<EtcdStm, ValueTask>)(async stm => await stm.GetAsync("k")),
            (Func<EtcdStm, ValueTask<bool>>)(async stm => await stm.GetRevisionAsync("k") == 0),
            new[] { "http://127.0.0.1:1" }, new Dictionary<EtcdKey, EtcdServiceEndpoint?> { ["a"] = null },
            (IEtcdSerializer<string>)EtcdSerializer.Json((JsonTypeInfo<string>)JsonSerializerOptions.Default.GetTypeInfo(typeof(string))),
        ];
        if (known.FirstOrDefault(each => type.IsInstanceOfType(each)) is { } found)
        {
            return found;
        }

        if (parameter.HasDefaultValue)
        {
            return type.IsValueType && parameter.DefaultValue is null ? Activator.CreateInstance(type) : parameter.DefaultValue;
        }

        if (type.IsEnum)
        {
            return Enum.GetValues(type).GetValue(0);
        }

        Type? plain = Nullable.GetUnderlyingType(type);
        return plain is null && type.IsValueType
            ? throw new InvalidOperationException($"The test has no argument for {parameter.Name} of {method}.")
            : type.IsClass && type.Name.EndsWith("Options", StringComparison.Ordinal)
                ? null
                : throw new InvalidOperationException($"The test has no argument for {parameter.Name} of {method}.");
    }
}
